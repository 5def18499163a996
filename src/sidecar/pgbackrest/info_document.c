/*
 * info_document.c
 *		See info_document.h. Blocks are compressed apart, so that any of them can be read alone.
 */
#include "sidecar/pgbackrest/info_document.h"

#include "common/memory.h"
#include "program/json.h"

#include <lz4.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK INFO_DOCUMENT_BLOCK

struct InfoDocument
{
	atomic_int references;
	size_t length;
	char *packed;  /* all blocks */
	size_t ends[]; /* of each block in packed */
};

static size_t
block_length(const InfoDocument *document, size_t block)
{
	size_t left = document->length - block * BLOCK;

	return left < BLOCK ? left : BLOCK;
}

static size_t
block_start(const InfoDocument *document, size_t block)
{
	return block == 0 ? 0 : document->ends[block - 1];
}

static bool
pack(InfoDocument *document, const char *text, size_t blocks)
{
	size_t end = 0;
	char *shrunk;

	document->packed = memory_alloc(blocks * LZ4_COMPRESSBOUND(BLOCK) + 1);
	for (size_t i = 0; document->packed && i < blocks; i++)
	{
		end += (size_t) LZ4_compress_default(text + i * BLOCK, document->packed + end,
											 (int) block_length(document, i),
											 LZ4_COMPRESSBOUND(BLOCK));
		document->ends[i] = end;
	}
	shrunk = document->packed ? memory_resize(document->packed, end + 1) : NULL;
	if (shrunk)
		document->packed = shrunk;
	return document->packed != NULL;
}

InfoDocument *
info_document_new(const char *text, size_t length)
{
	size_t blocks = (length + BLOCK - 1) / BLOCK;
	InfoDocument *document = memory_alloc(sizeof(*document) + blocks * sizeof(document->ends[0]));

	if (document == NULL)
		return NULL;
	atomic_init(&document->references, 1);
	document->length = length;
	if (pack(document, text, blocks))
		return document;
	free(document);
	return NULL;
}

InfoDocument *
info_document_retain(InfoDocument *document)
{
	atomic_fetch_add(&document->references, 1);
	return document;
}

void
info_document_release(InfoDocument *document)
{
	if (document == NULL || atomic_fetch_sub(&document->references, 1) != 1)
		return;
	free(document->packed);
	free(document);
}

size_t
info_document_length(const InfoDocument *document)
{
	return document->length;
}

static bool
unpack(const InfoDocument *document, size_t block, char *buffer)
{
	size_t start = block_start(document, block);
	int length = (int) block_length(document, block);

	return LZ4_decompress_safe(document->packed + start, buffer,
							   (int) (document->ends[block] - start), length) == length;
}

size_t
info_document_read(const InfoDocument *document, size_t offset, char *buffer, size_t size)
{
	size_t block = offset / BLOCK;
	size_t within = offset % BLOCK;
	size_t length;
	char *whole;

	if (offset >= document->length)
		return 0;
	length = block_length(document, block) - within;
	if (within == 0 && size >= length)
		return unpack(document, block, buffer) ? length : 0;
	whole = memory_alloc(BLOCK);
	length = length < size ? length : size;
	if (whole && unpack(document, block, whole))
		memcpy(buffer, whole + within, length);
	else
		length = 0;
	free(whole);
	return length;
}

json_t *
info_document_parse(const InfoDocument *document, PgbrError *error)
{
	char *text = memory_alloc(document->length + 1);
	json_t *parsed = NULL;
	size_t at = 0;
	size_t got = text ? 1 : 0;

	while (got > 0 && at < document->length)
	{
		got = info_document_read(document, at, text + at, document->length - at);
		at += got;
	}
	if (got > 0)
		parsed = json_parse(text, document->length, error);
	else
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	free(text);
	return parsed;
}
