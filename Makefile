.PHONY: test lab install

test lab install:
	python3 bootstrap.py $@
