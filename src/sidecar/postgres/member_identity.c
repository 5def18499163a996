/*
 * member_identity.c
 *		See member_identity.h.
 */
#include "sidecar/postgres/member_identity.h"

#include "common/visible.h"
#include "program/file.h"
#include "program/json.h"
#include "sidecar/queue/queue_facts.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define FACT_NUMBER	 "identity"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

#define NUMBER_BYTES  8
#define NUMBER_SIZE	  (2 * NUMBER_BYTES + 1)
#define IDENTITY_SIZE 256

/* The first two requests must not make a number each: they may be of one plan. */
static pthread_mutex_t number_lock = PTHREAD_MUTEX_INITIALIZER;

/* The random number of the store, which is made at its first use; "" when there is none. */
static void
get_number(JobQueue *queue, char *number)
{
	unsigned char bytes[NUMBER_BYTES];
	char known[FACT_SIZE];

	pthread_mutex_lock(&number_lock);
	job_queue_recall(queue, FACT_NUMBER, known, sizeof(known));
	if (known[0] == '\0' && getrandom(bytes, sizeof(bytes), 0) == (ssize_t) sizeof(bytes))
	{
		for (size_t i = 0; i < sizeof(bytes); i++)
			snprintf(known + 2 * i, 3, "%02x", bytes[i]);
		job_queue_remember(queue, FACT_NUMBER, known);
		/* a number that is not kept would be another one at the next request */
		job_queue_recall(queue, FACT_NUMBER, known, sizeof(known));
	}
	pthread_mutex_unlock(&number_lock);
	pgbr_copy_text(number, NUMBER_SIZE, known);
}

static bool
describe_sidecar(const SidecarConfig *config, JobQueue *queue, char *text)
{
	char number[NUMBER_SIZE];
	char host[128] = "";
	struct utsname system;
	struct stat st;

	get_number(queue, number);
	if (number[0] == '\0' || stat(config->state_dir, &st) != 0 || uname(&system) != 0)
		return false;
	pgbr_copy_visible(host, sizeof(host), system.nodename);
	snprintf(text, IDENTITY_SIZE, "%s-%" PRIuMAX "@%s", number, (uintmax_t) st.st_ino, host);
	return true;
}

static bool
describe_directory(const char *data_directory, char *text)
{
	struct stat st;
	StrBuf boot;
	bool ok;

	strbuf_init(&boot);
	ok = data_directory[0] == '/' && stat(data_directory, &st) == 0 &&
		 file_read(BOOT_ID_FILE, 64, &boot, NULL);
	if (ok)
		snprintf(text, IDENTITY_SIZE, "%.*s:%" PRIuMAX ":%" PRIuMAX, (int) strcspn(boot.data, "\n"),
				 boot.data, (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
	strbuf_done(&boot);
	return ok;
}

void
member_identity_add(const SidecarConfig *config, JobQueue *queue, const char *data_directory,
					json_t *json)
{
	char text[IDENTITY_SIZE];

	json_put_text(json, "identity", describe_sidecar(config, queue, text) ? text : NULL);
	json_put_text(json, "data_directory_id",
				  describe_directory(data_directory, text) ? text : NULL);
}
