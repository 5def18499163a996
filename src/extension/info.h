/*
 * info.h
 *		What the sidecar knows of the repositories.
 */
#ifndef PGBR_INFO_H
#define PGBR_INFO_H

#include "extension/answer.h"

/*
 * Info as the API gives it (answer_info). With refresh, the sidecar is to ask pgbackrest anew. What
 * is old because pgbackrest failed comes with a warning; when there is none at all, an error.
 */
extern Jsonb *info_ask(bool refresh);

#endif
