.PHONY: run test proofs identity lab install

run test proofs identity lab install:
	python3 bootstrap.py $@
