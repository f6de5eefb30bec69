.PHONY: run test proofs identity faults lab site install

run test proofs identity faults lab site install:
	python3 bootstrap.py $@
