.PHONY: run test proofs lab site install

run test proofs lab site install:
	python3 bootstrap.py $@
