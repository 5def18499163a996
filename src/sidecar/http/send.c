/*
 * send.c
 *		See send.h.
 */
#include "sidecar/http/send.h"

#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>

HttpResponse *
http_send_new(void)
{
	HttpResponse *response = memory_alloc(sizeof(*response));

	if (response)
		http_response_init(response);
	return response;
}

void
http_send_free(void *response)
{
	http_response_done(response);
	free(response);
}

static ssize_t
read_response(void *argument, uint64_t offset, char *buffer, size_t size)
{
	size_t got = http_response_read(argument, offset, buffer, size);

	return got > 0 ? (ssize_t) got : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Owns the answer, unless it is NULL. A short one is sent from where it lies. */
static struct MHD_Response *
make_response(HttpResponse *response)
{
	struct MHD_IoVec body = {response->body.data, response->body.length};
	size_t length = http_response_length(response);

	if (length == response->body.length)
		return MHD_create_response_from_iovec(&body, length > 0, http_send_free, response);
	return MHD_create_response_from_callback(
		length, length < INFO_DOCUMENT_BLOCK ? length : INFO_DOCUMENT_BLOCK, read_response,
		response, http_send_free);
}

/* An empty one is none. */
static bool
add_header(struct MHD_Response *made, const char *name, const char *value)
{
	return value[0] == '\0' || MHD_add_response_header(made, name, value) == MHD_YES;
}

enum MHD_Result
http_send(struct MHD_Connection *connection, HttpResponse *response)
{
	unsigned int status = (unsigned int) response->status;
	char retry_after[16] = "";
	struct MHD_Response *made = make_response(response);
	enum MHD_Result result = MHD_NO;

	if (made == NULL)
	{
		http_send_free(response);
		return MHD_NO;
	}
	if (response->retry_after)
		snprintf(retry_after, sizeof(retry_after), "%d", response->retry_after);
	/* one that lacks a header would say something else */
	if (add_header(made, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type) &&
		add_header(made, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
		add_header(made, MHD_HTTP_HEADER_LOCATION, response->location) &&
		add_header(made, MHD_HTTP_HEADER_ALLOW, response->allow) &&
		add_header(made, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
				   response->authenticate ? "Bearer" : "") &&
		add_header(made, MHD_HTTP_HEADER_CONNECTION, response->hang_up ? "close" : "") &&
		add_header(made, MHD_HTTP_HEADER_RETRY_AFTER, retry_after))
		result = MHD_queue_response(connection, status, made);
	MHD_destroy_response(made);
	return result;
}
