/*
 * main.c
 *		The control binary's entry. Everything else is in command.c.
 */
#include "ctl/verbs/command.h"

#include <locale.h>

int
main(int argc, char **argv)
{
	/* What the sidecar sends is UTF-8 whatever the user's locale is, and so is what is printed;
	 * only the width of characters is asked of the locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return command_main(argc, argv);
}
