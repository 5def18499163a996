/*
 * json.h
 *		What both programs need on top of jansson: bounded parsing with a clear error, reading of
 *		members without surprises, and writing into a StrBuf.
 *
 * Functions that give a const char * lend it: it lives as long as the object. Thread-safe for
 * objects that are not shared.
 */
#ifndef PGBR_JSON_H
#define PGBR_JSON_H

#include "common/error.h"
#include "common/strbuf.h"

#include <jansson.h>

/* Have jansson allocate as memory.h does. Once, before anything else of it is used. */
extern void json_watch_memory(void);

/*
 * Parse a document; numbers out of range, duplicate keys, NUL in a text, text that is not UTF-8,
 * nesting deeper than 64 levels and more than 600,000 values are refused. NULL with BAD_REQUEST,
 * and line, column or limit. The caller owns a reference.
 */
extern json_t *json_parse(const char *text, size_t length, PgbrError *error);

/* A member's text; NULL when it is missing, null or of another type. */
extern const char *json_text(const json_t *object, const char *key);

/* A member's whole number, or otherwise. */
extern long long json_number(const json_t *object, const char *key, long long otherwise);

/* A member that is true; false when it is missing or of another type. */
extern bool json_flag(const json_t *object, const char *key);

/* Set a member to a text or, when it is NULL or not UTF-8, to null. False when out of memory. */
extern bool json_put_text(json_t *object, const char *key, const char *text);

/* Append the value, compact, members in the order they were set. False when out of memory. */
extern bool json_write(const json_t *value, StrBuf *buf);

#endif
