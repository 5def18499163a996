# For the checks of test/lint that are shell scripts: source it, from the top of the checkout.

# The files below folders whose names match a pattern, into the array "files". A check that finds
# nothing to read has checked nothing, so that ends it as failed.
#	take_files PATTERN FOLDER...
take_files()
{
	mapfile -t files < <(find "${@:2}" -type f -name "$1" | sort)
	((${#files[@]})) && return
	echo "no file matches $1 in ${*:2}"
	exit 1
}

# The Perl modules and programs, into the array "files"; a lint or runner has no suffix.
take_perl_programs()
{
	mapfile -t files < <(find test .ci -type f \( -name '*.p[lm]' -o -perm -u+x \
		-exec grep -qI '^#!/usr/bin/perl' {} \; \) -print | sort)
	((${#files[@]})) && return
	echo "test and .ci have no Perl program"
	exit 1
}
