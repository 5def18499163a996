/*
 * conf_write.h
 *		The options of a pgbackrest.conf as text: the file itself, and its secrets as an environment
 *		file. Pure.
 */
#ifndef PGBR_CTL_CONF_CONF_WRITE_H
#define PGBR_CTL_CONF_CONF_WRITE_H

#include "common/strbuf.h"
#include "ctl/conf/conf.h"

/* PGBACKREST_ and the longest name of an option. */
#define CONF_VARIABLE_SIZE 80

/* The name of an option's variable: repo1-s3-key is PGBACKREST_REPO1_S3_KEY. variable has room for
 * CONF_VARIABLE_SIZE; returns it. */
extern const char *conf_variable(const char *option, char *variable);

/* Append pgbackrest.conf, without the secrets. */
extern void conf_write(const Conf *conf, StrBuf *out);

/* Append the secrets, a line each, as systemd's EnvironmentFile= and a shell read them. */
extern void conf_write_environment(const Conf *conf, StrBuf *out);

#endif
