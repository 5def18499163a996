/*
 * verbs.h
 *		The verbs there are; command.c puts them into a table.
 */
#ifndef PGBR_CTL_VERBS_VERBS_H
#define PGBR_CTL_VERBS_VERBS_H

#include "ctl/verbs/command.h"

extern const Command cmd_backup;
extern const Command cmd_info;
extern const Command cmd_jobs;
extern const Command cmd_cancel;
extern const Command cmd_check;
extern const Command cmd_verify;
extern const Command cmd_expire;
extern const Command cmd_pin;
extern const Command cmd_unpin;
extern const Command cmd_config_render;
extern const Command cmd_manifest;
extern const Command cmd_config_check;
extern const Command cmd_plan;
extern const Command cmd_restore;
extern const Command cmd_undo;
extern const Command cmd_status;

#endif
