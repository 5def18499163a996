/*
 * body.h
 *		The JSON that goes to the sidecar, built member by member.
 *
 * body_begin, the members, body_end. Everything lives in the current memory context. Texts are in
 * the database's encoding; sidecar.c converts the whole. A member whose value is NULL is left out.
 */
#ifndef PGBR_BODY_H
#define PGBR_BODY_H

#include "utils/jsonb.h"

typedef JsonbParseState *Body;

extern void body_begin(Body *body);
extern void body_text(Body *body, const char *key, const char *value);
extern void body_int(Body *body, const char *key, int64 value);
extern void body_flag(Body *body, const char *key, bool value);
extern void body_object(Body *body, const char *key, Jsonb *value); /* must be a JSON object */
extern Jsonb *body_end(Body *body);

#endif
