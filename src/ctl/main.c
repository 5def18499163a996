/*
 * main.c
 *		The control binary's entry. Everything else is in command.c.
 */
#include "ctl/verbs/command.h"

#include <locale.h>

int
main(int argc, char **argv)
{
	/* Input and output are UTF-8 whatever the user's locale is. Only the width of characters comes
	 * from the locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return command_main(argc, argv);
}
