/*
 * info.h
 *		What the sidecar knows of the repositories.
 */
#ifndef PGBR_INFO_H
#define PGBR_INFO_H

#include "extension/answer.h"

/*
 * Info as the API gives it (answer_info). With refresh, the sidecar runs pgbackrest again. If that
 * fails, the old information comes with a warning; when there is none, an error is raised.
 */
extern Jsonb *info_ask(bool refresh);

#endif
