/*
 * conf_words.h
 *		What a pgbackrest.conf sets up, and what its retention keeps, in words. Pure.
 */
#ifndef PGBR_CTL_CONF_CONF_WORDS_H
#define PGBR_CTL_CONF_CONF_WORDS_H

#include "program/pgbackrest_file.h"
#include "program/retention_settings.h"

#include <jansson.h>
#include <stdbool.h>

/* What the file sets up, a repository an item: number, type, where it is, and "keeps", sentences.
 * The caller owns a reference; NULL when out of memory. */
extern json_t *
conf_repositories(const PgbackrestFile *file, const char *stanza, const RetentionConfig *retention);

/* The sentences alone: an array of texts. */
extern json_t *conf_keeps(const RetentionSettings *settings, bool expire_auto);

#endif
