/*
 * main.c
 *		pgbackrest_sidecar: brings the parts up in order, waits for a signal, and takes them down.
 *
 * Order up: what a crash left running is ended before the store is opened, the port is open before
 * anything that waits for pgbackrest or PostgreSQL. Order down: nothing is accepted any more,
 * pgbackrest is ended and its job written, then the rest.
 */
#include "common/strbuf.h"
#include "program/file.h"
#include "program/json.h"
#include "program/log.h"
#include "program/pgbackrest_option.h"
#include "program/private_folder.h"
#include "sidecar/restore/archive_get.h"
#include "sidecar/http/auth.h"
#include "sidecar/config/config.h"
#include "sidecar/api/router.h"
#include "sidecar/api/routes.h"
#include "sidecar/compat/restore_route.h"
#include "sidecar/compat/routes.h"
#include "sidecar/http/server.h"
#include "sidecar/runner/job_runner.h"
#include "sidecar/postgres/member.h"
#include "sidecar/runner/peer_server.h"
#include "sidecar/restore/recovery_server.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE	 2
#define LOG_FLUSH_MS 2000 /* for a reader of the log that stalls as the sidecar ends */

typedef struct Parts
{
	Sidecar sidecar;
	Router router;
	HttpApplication application;
	Auth *auth;
	JobRunner *runner;
	PeerServer *peer_server;
	HttpServer *server;
	char state_dir[PATH_MAX];
} Parts;

/* What our children do not get. */
static void
tell_strays(void)
{
	char name[PGBACKREST_VARIABLE_SIZE];
	size_t from = 0;

	while (pgbackrest_next_stray(&from, name))
		log_event(LOG_LEVEL_WARNING, NULL,
				  "%s in the environment is no option of pgbackrest and is not passed on to it",
				  name);
}

static const RouteTable *const route_tables[] = {&api_routes, &compat_routes, NULL};

/* All threads inherit this: signals come to main alone, which waits for them. */
static void
block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* a limit on the size of files is met like a full disk: the write fails */
	signal(SIGXFSZ, SIG_IGN);
	/* who started us may have ignored it: then the end of a program could not be seen */
	signal(SIGCHLD, SIG_DFL);
}

static void
prepare_process(void)
{
	json_watch_memory();
	/* one heap, and large blocks given back at once: the sidecar is to stay small */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	/* what a killed pgbackrest leaves behind is ours to reap, so that its end can be seen */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* psql waits no longer than this for a server that does not answer */
	setenv("PGCONNECT_TIMEOUT", "5", 0);
	umask(0077);
}

/* Make the state folder, and see that it is ours alone: it names programs that are run, and
 * files that are written. From here on it goes by one name, however it is given: what a crash
 * leaves behind is found by it. */
static bool
prepare_state_dir(Parts *parts, SidecarConfig *config, PgbrError *error)
{
	StrBuf log_dir;
	bool ok;

	strbuf_init(&log_dir);
	strbuf_printf(&log_dir, "%s/log", config->state_dir);
	ok = file_make_folder(config->state_dir, error);
	if (!ok)
		pgbr_error_hint(error, "Make it as root: install -d -o %u -m 0700 '%s'",
						(unsigned int) geteuid(), config->state_dir);
	ok = ok && private_folder_check(config->state_dir, error) &&
		 file_make_folder(log_dir.data, error);
	strbuf_done(&log_dir);
	if (ok && realpath(config->state_dir, parts->state_dir) == NULL)
		ok = pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not resolve \"%s\": %s",
							config->state_dir, strerror(errno));
	if (ok)
		config->state_dir = parts->state_dir;
	return ok;
}

static bool
start(Parts *parts, SidecarConfig *config, PgbrError *error)
{
	Sidecar *sidecar = &parts->sidecar;
	JobStore *store;
	StrBuf log_dir;
	bool ok;

	sidecar->config = config;
	parts->router = (Router){sidecar, route_tables};
	parts->application = router_application(&parts->router);
	sidecar->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	strbuf_init(&log_dir);
	ok = prepare_state_dir(parts, config, error) && (parts->auth = auth_new(config, error)) &&
		 (store = job_store_open(config->state_dir, error));
	strbuf_printf(&log_dir, "%s/log", config->state_dir);
	if (ok)
	{
		/* only now is it certain that no other sidecar uses this state folder */
		job_runner_end_leftovers(config);
		sidecar->auth = parts->auth;
		sidecar->queue =
			job_queue_new(store, log_dir.data, config->max_queued, config->job_retention, error);
		sidecar->audit = sidecar->queue ? audit_new(sidecar->queue, config->audit_retention) : NULL;
		if (sidecar->queue)
		{
			compat_end_leftovers(sidecar);
			recovery_server_end_leftovers(sidecar->queue);
		}
		/* the port first: pgbackrest and psql, once started, take the processors from its first
		 * answers */
		ok =
			sidecar->queue && sidecar->audit && (sidecar->tally = job_tally_new()) &&
			(sidecar->archiver = archiver_new(config)) &&
			(sidecar->details = backup_details_new(config)) &&
			(sidecar->archive_size = archive_size_new(config)) &&
			(sidecar->gate = process_gate_new()) &&
			(sidecar->cache = info_cache_new(config, error)) &&
			(sidecar->keeper = stanza_keeper_new(config, sidecar->queue, sidecar->cache, error)) &&
			(sidecar->points = point_keeper_start(config, sidecar->queue, sidecar->cache, error)) &&
			(parts->server = http_server_start(config, &parts->application, parts->auth, error)) &&
			info_cache_start(sidecar->cache, error) &&
			stanza_keeper_start(sidecar->keeper, error) &&
			(parts->runner = job_runner_start(config, sidecar->queue, sidecar->cache, error)) &&
			(!config->pgbackrest_server || (parts->peer_server = peer_server_start(config, error)));
	}
	strbuf_done(&log_dir);
	return ok;
}

static void
stop(Parts *parts)
{
	Sidecar *sidecar = &parts->sidecar;

	if (sidecar->queue)
		job_queue_stop(sidecar->queue);
	if (sidecar->gate)
		process_gate_close(sidecar->gate);
	(void) !write(sidecar->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
	if (parts->runner)
		job_runner_join(parts->runner);
	peer_server_stop(parts->peer_server);
	/* the threads end, and with them the waits of handlers; what they know is asked for until
	 * the port is closed */
	if (sidecar->keeper)
		stanza_keeper_stop(sidecar->keeper);
	point_keeper_stop(sidecar->points);
	if (sidecar->cache)
		info_cache_stop(sidecar->cache);
	if (parts->server)
		http_server_stop(parts->server);
	stanza_keeper_free(sidecar->keeper);
	point_keeper_free(sidecar->points);
	info_cache_free(sidecar->cache);
	process_gate_free(sidecar->gate);
	archive_size_free(sidecar->archive_size);
	backup_details_free(sidecar->details);
	archiver_free(sidecar->archiver);
	job_tally_free(sidecar->tally);
	audit_free(sidecar->audit);
	job_queue_free(sidecar->queue);
	auth_free(parts->auth);
	close(sidecar->stop_fd);
}

int
main(int argc, char **argv)
{
	SidecarConfig config;
	PgbrError error = PGBR_ERROR_INIT;
	Parts parts = {0};
	sigset_t signals;
	int signal_number;
	bool ok;

	if (archive_get_is_asked(argc, argv))
		return archive_get_main(argc, argv);
	switch (config_read(&config, argc, argv, &error))
	{
		case CONFIG_DONE:
			return EXIT_SUCCESS;
		case CONFIG_ERROR:
			fprintf(stderr, "pgbackrest_sidecar: error: %s\n", error.message);
			if (error.hint[0])
				fprintf(stderr, "hint: %s\n", error.hint);
			return EXIT_USAGE;
		case CONFIG_OK:
			break;
	}
	log_init(config.log_level, config.log_json, config.stanza);
	prepare_process();
	block_signals(&signals);
	if (!log_start())
		log_event(LOG_LEVEL_WARNING, NULL, "could not start a thread: a stalled log stalls all");
	tell_strays();
	ok = start(&parts, &config, &error);
	if (ok)
	{
		for (int i = 0; i < config.listener_count; i++)
			log_event(LOG_LEVEL_INFO, NULL, "pgbackrest_sidecar %s listens on %s", PGBR_VERSION,
					  config.listeners[i].listen);
		/* our own tokens and certificates are read when they change; pgbackrest's server waits for
		 * the signal */
		while (sigwait(&signals, &signal_number) == 0 && signal_number == SIGHUP)
			peer_server_reload(parts.peer_server);
		log_event(LOG_LEVEL_INFO, NULL, "stopping: %s", strsignal(signal_number));
	}
	else
		log_error(NULL, "could not start", &error);
	stop(&parts);
	if (ok)
		log_event(LOG_LEVEL_INFO, NULL, "stopped");
	log_flush(LOG_FLUSH_MS);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
