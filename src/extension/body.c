/*
 * body.c
 *		See body.h.
 */
#include "postgres.h"

#include "extension/body.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static void
body_put(Body *body, const char *key, JsonbValue *value)
{
	JsonbValue name;

	name.type = jbvString;
	name.val.string.val = (char *) key;
	name.val.string.len = strlen(key);
	pushJsonbValue(body, WJB_KEY, &name);
	pushJsonbValue(body, WJB_VALUE, value);
}

void
body_begin(Body *body)
{
	*body = NULL;
	pushJsonbValue(body, WJB_BEGIN_OBJECT, NULL);
}

void
body_text(Body *body, const char *key, const char *value)
{
	JsonbValue text;

	if (value == NULL)
		return;
	text.type = jbvString;
	text.val.string.val = (char *) value;
	text.val.string.len = strlen(value);
	body_put(body, key, &text);
}

void
body_int(Body *body, const char *key, int64 value)
{
	JsonbValue number;

	number.type = jbvNumeric;
	number.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(value)));
	body_put(body, key, &number);
}

void
body_flag(Body *body, const char *key, bool value)
{
	JsonbValue flag;

	flag.type = jbvBool;
	flag.val.boolean = value;
	body_put(body, key, &flag);
}

void
body_object(Body *body, const char *key, Jsonb *value)
{
	JsonbValue object;

	if (value == NULL)
		return;
	object.type = jbvBinary;
	object.val.binary.data = &value->root;
	object.val.binary.len = VARSIZE(value) - VARHDRSZ;
	body_put(body, key, &object);
}

Jsonb *
body_end(Body *body)
{
	return JsonbValueToJsonb(pushJsonbValue(body, WJB_END_OBJECT, NULL));
}
