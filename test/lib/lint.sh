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
