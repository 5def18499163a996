// links:
/*
 * private_folder_test.c
 *		Folders, and ways to them, that others could have written to.
 */
#include "program/private_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static uid_t pretended;

/* In the place of libc's: what belongs to us then belongs to another user. */
uid_t
geteuid(void)
{
	return pretended ? pretended : getuid();
}

typedef struct World
{
	char top[64];
	char folder[80]; /* in it */
} World;

static int
set_up(void **state)
{
	World *world = calloc(1, sizeof(*world));
	char path[128];

	strcpy(world->top, "/tmp/private-XXXXXX");
	assert_non_null(mkdtemp(world->top));
	snprintf(world->folder, sizeof(world->folder), "%s/state", world->top);
	assert_int_equal(mkdir(world->folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/log", world->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/log/1.log", world->folder);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	World *world = *state;
	char command[200];

	pretended = 0;
	snprintf(command, sizeof(command), "chmod -R u+rwX %s; rm -rf %s", world->top, world->top);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

static void
is_refused(bool ok, const PgbrError *error, const char *message, const char *hint)
{
	assert_false(ok);
	assert_int_equal(error->code, PGBR_ERROR_CONFIG);
	if (strstr(error->message, message) == NULL || strstr(error->hint, hint) == NULL)
		fail_msg("%s (%s)", error->message, error->hint);
}

static void
test_modes(void **state)
{
	static const mode_t bad[] = {0720, 0702, 0770, 0777, 01777, 02775};
	World *world = *state;
	PgbrError error = PGBR_ERROR_INIT;
	char path[128];

	assert_true(private_folder_check(world->folder, &error));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_int_equal(chmod(world->folder, bad[i]), 0);
		is_refused(private_folder_check(world->folder, &error), &error, "can be written by others",
				   "chmod go-w");
	}
	assert_int_equal(chmod(world->folder, 0755), 0);
	assert_true(private_folder_check(world->folder, &error));
	snprintf(path, sizeof(path), "%s/log/1.log", world->folder);
	assert_int_equal(chmod(path, 0602), 0);
	is_refused(private_folder_check(world->folder, &error), &error, "log/1.log", "chmod go-w");
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(private_folder_check(world->folder, &error));
}

static void
test_owner(void **state)
{
	World *world = *state;
	PgbrError error;

	pretended = getuid() + 1;
	is_refused(private_folder_check(world->folder, &error), &error, "belongs to another user",
			   "chown");
	is_refused(private_folder_check_way(world->folder, &error), &error, "belongs to another user",
			   "chown");
	/* root's is fine on the way, and not as the folder */
	assert_true(private_folder_check_way("/usr/bin", &error));
	is_refused(private_folder_check("/usr", &error), &error, "belongs to another user", "chown -R");
}

static void
test_way(void **state)
{
	World *world = *state;
	PgbrError error;
	char link_path[128];

	assert_int_equal(chmod(world->top, 0707), 0);
	is_refused(private_folder_check(world->folder, &error), &error, "can be written by others",
			   "chmod go-w");
	/* as /tmp */
	assert_int_equal(chmod(world->top, 01777), 0);
	assert_true(private_folder_check(world->folder, &error));
	/* as a volume with fsGroup */
	assert_int_equal(chmod(world->top, 02775), 0);
	assert_true(private_folder_check(world->folder, &error));
	/* a link of ours leads there, and its end is looked at */
	snprintf(link_path, sizeof(link_path), "%s/link", world->top);
	assert_int_equal(symlink(world->folder, link_path), 0);
	assert_true(private_folder_check(link_path, &error));
	assert_int_equal(chmod(world->folder, 0777), 0);
	is_refused(private_folder_check(link_path, &error), &error, "can be written by others",
			   "chmod go-w");
	is_refused(private_folder_check_way("/tmp/nowhere/x", &error), &error, "No such file", "");
}

static void
test_content(void **state)
{
	World *world = *state;
	PgbrError error;
	char path[128];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* a socket that a server has left behind is open to all by its mode */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/log/socket", world->folder);
	assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
	assert_int_equal(chmod(address.sun_path, 0777), 0);
	close(fd);
	assert_true(private_folder_check(world->folder, &error));
	snprintf(path, sizeof(path), "%s/state.db", world->folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	is_refused(private_folder_check(world->folder, &error), &error, "state.db\" is a symbolic link",
			   "Remove it");
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/restore", world->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0770), 0);
	is_refused(private_folder_check(world->folder, &error), &error, "restore", "chmod go-w");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_owner, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_content, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
