/*
 * verbs.h
 *		The table of verbs, in the order in which help lists them. A row NAME is verb_NAME of
 *		NAME.c, or of the file of the verbs that it shares its work with.
 */
#ifndef PGBR_CTL_VERBS_VERBS_H
#define PGBR_CTL_VERBS_VERBS_H

#include "ctl/verbs/verb.h"

#define VERBS(X)     \
	X(backup)        \
	X(info)          \
	X(jobs)          \
	X(cancel)        \
	X(check)         \
	X(verify)        \
	X(expire)        \
	X(pin)           \
	X(unpin)         \
	X(config_render) \
	X(manifest)      \
	X(config_check)  \
	X(plan)          \
	X(restore)       \
	X(undo)          \
	X(status)        \
	X(doctor)

#define X(name) extern const Verb verb_##name;
VERBS(X)
#undef X

#endif
