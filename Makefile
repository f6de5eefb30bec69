.PHONY: run test proofs bad-inputs hostile-files faults identity lab site install

run test proofs bad-inputs hostile-files faults identity lab site install:
	python3 bootstrap.py $@
