.PHONY: run test proofs lab install

run test proofs lab install:
	python3 bootstrap.py $@
