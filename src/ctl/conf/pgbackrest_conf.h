/*
 * pgbackrest_conf.h
 *		The pgBackRest section of a values file made into options of pgbackrest: pure.
 *
 * A value that pgbackrest itself keeps out of its logs is a secret (pgbr_is_secret_option). Secrets
 * are options like the others but never part of pgbackrest.conf: pgbackrest reads them from its
 * environment, under the name that conf_variable gives. The environment file or a Kubernetes Secret
 * sets them there.
 *
 * What becomes of the keys
 *	- repoType rwx makes repo1 a folder, s3 a bucket; drS3 adds the bucket repo2
 *	- verifySsl false is repoN-storage-verify-tls=n; an endpoint's port is repoN-storage-port
 *	- fullRetention and diffRetention are those of repo1; one that is not set is left out, and repo2
 *	  has only what configParams set
 *	- configParams are taken as they are: those of pgN- go into the stanza's section, the others
 *	  into [global]. They win over what is only a default (log levels, uri-style), and are a problem
 *	  where a key of the section says the same
 *	- with existingSecret there are no secrets here: that Secret holds the variables
 *
 * Nothing here knows of files. A Conf is used by one thread; its texts live until conf_done.
 */
#ifndef PGBR_CTL_CONF_PGBACKREST_CONF_H
#define PGBR_CTL_CONF_PGBACKREST_CONF_H

#include "common/error.h"
#include "common/values.h"
#include "ctl/conf/conf.h"

#include <stdbool.h>

/* The defaults of the operator that the values files were made for: its stanza, and where its
 * members have their data. */
#define CONF_DEFAULT_STANZA		"patroni"
#define CONF_MEMBER_DATA_PREFIX "/var/lib/pgsql/data/postgresql_"
#define CONF_DEFAULT_REPO_PATH	"/var/lib/pgbackrest"

/* One member, or none. Without one there are no pg1- options: members set PGBACKREST_PG1_PATH, and
 * one file serves all. */
typedef struct ConfMember
{
	const char *stanza; /* NULL: CONF_DEFAULT_STANZA */
	const char *name; /* NULL: none; its data is under CONF_MEMBER_DATA_PREFIX unless path is set */
	const char *path; /* pg1-path, or NULL */
	int port;		  /* pg1-port, or 0 */
	const char *socket_path;
	const char *user;
} ConfMember;

/*
 * Make the options. name is the values file's, for messages. True: the caller ends conf with
 * conf_done and looks at the problems; with one of them the options are not to be used. False:
 * INTERNAL, out of memory, or CONFIG, something about the member is wrong; conf is empty.
 */
extern bool conf_make(const char *name, const PgbrValues *values, const ConfMember *member,
					  Conf *conf, PgbrError *error);

#endif
