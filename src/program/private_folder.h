/*
 * private_folder.h
 *		Whether users other than ourselves and root could have put something into a folder, or
 *		could replace it. Thread-safe.
 */
#ifndef PGBR_PRIVATE_FOLDER_H
#define PGBR_PRIVATE_FOLDER_H

#include "common/error.h"

/*
 * Every folder on the way to a path, and the path itself, belongs to us or to root, and only a
 * sticky one (as /tmp) can be written by all; symbolic links are followed, and must be ours or
 * root's as well. The members of a group that may write to one are trusted, and so are, in a user
 * namespace, owners who are not of it, for root can't be told from them. CONFIG, with a hint.
 */
extern bool private_folder_check_way(const char *path, PgbrError *error);

/*
 * The same, and the folder is ours and can be written by us alone, and so is all that lies in it:
 * no symbolic links, nothing of another user but root. CONFIG, with a hint.
 */
extern bool private_folder_check(const char *path, PgbrError *error);

#endif
