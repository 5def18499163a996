/*
 * command.h
 *		The command line: which verb it names, what the options say, and the exit code.
 */
#ifndef PGBR_CTL_VERBS_COMMAND_H
#define PGBR_CTL_VERBS_COMMAND_H

/* Parse the command line, run the verb, print its error; returns the process's exit code. */
extern int command_main(int argc, char **argv);

#endif
