.PHONY: run test proofs identity faults lab install

run test proofs identity faults lab install:
	python3 bootstrap.py $@
