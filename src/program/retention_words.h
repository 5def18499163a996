/*
 * retention_words.h
 *		What the retention does to each backup, in words and as JSON. Pure.
 */
#ifndef PGBR_PROGRAM_RETENTION_WORDS_H
#define PGBR_PROGRAM_RETENTION_WORDS_H

#include "program/retention.h"

#include <jansson.h>

/* Room for the words about a backup. */
#define RETENTION_WORDS_SIZE 384

/*
 * In words: when a backup goes ("after 2 more full backups"), and what keeps it ("one of the 5
 * newest full backups"; "" when it goes next). Each of RETENTION_WORDS_SIZE.
 */
extern void retention_expires_words(const RetentionHistory *history, int backup, char *text);
extern void retention_kept_words(const RetentionHistory *history, int backup, char *text);

/* All of it as JSON, as the schema Retention of docs/reference/openapi.yaml says. The caller owns a
 * reference; NULL when out of memory. */
extern json_t *
retention_json(const RetentionHistory *history, const RetentionSettings *settings, int count);

#endif
