.PHONY: run test proofs bad-inputs hostile-files lab install

run test proofs bad-inputs hostile-files lab install:
	python3 bootstrap.py $@
