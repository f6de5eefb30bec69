.PHONY: run test lab install

run test lab install:
	python3 bootstrap.py $@
