/*
 * info_document.h
 *		A JSON document that is kept for long and read often: compressed, since what pgbackrest says
 *		of thousands of backups repeats itself, and read piece by piece, so that an answer never
 *		needs it whole.
 *
 * Never changed once made; shared by those who hold a reference. Thread-safe.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_INFO_DOCUMENT_H
#define PGBR_SIDECAR_PGBACKREST_INFO_DOCUMENT_H

#include "common/error.h"

#include <jansson.h>
#include <stddef.h>

#define INFO_DOCUMENT_BLOCK 65536

typedef struct InfoDocument InfoDocument;

/* A copy of the text, with one reference. NULL when out of memory. */
extern InfoDocument *info_document_new(const char *text, size_t length);
extern InfoDocument *info_document_retain(InfoDocument *document);
extern void info_document_release(InfoDocument *document); /* NULL is fine */

/* Bytes of the text. */
extern size_t info_document_length(const InfoDocument *document);

/* Copy what follows after offset, at most size bytes and no further than to the end of its block of
 * INFO_DOCUMENT_BLOCK bytes; a whole block costs the least. Bytes copied; 0 at the end and when out
 * of memory. */
extern size_t
info_document_read(const InfoDocument *document, size_t offset, char *buffer, size_t size);

/* All of it, parsed. The caller owns a reference; NULL as json_parse. */
extern json_t *info_document_parse(const InfoDocument *document, PgbrError *error);

#endif
