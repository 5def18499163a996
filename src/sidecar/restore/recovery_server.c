/*
 * recovery_server.c
 *		See recovery_server.h.
 */
#include "sidecar/restore/recovery_server.h"

#include "program/clock.h"
#include "program/log.h"
#include "sidecar/postgres/fence.h"
#include "sidecar/restore/recovery_signal.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/postgres/postmaster.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/queue/queue_restores.h"
#include "sidecar/queue/queue_facts.h"
#include "sidecar/restore/recovery_server_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_MS	500
#define BEGIN_MS	300000 /* of a standby, which syncs all its files first */
#define BEGUN_MS	100	   /* between looks until recovery has begun */
#define SHUTDOWN_MS 600000 /* a checkpoint of what recovery has changed */
#define QUIT_MS		10000
#define LEFT_MS		2000 /* for what runs restore_command after its server has ended */
#define SEGMENT		(INT64_C(16) * 1024 * 1024)
#define SOCKET_MOST 107 /* bytes of a socket's path */

/* What is remembered while nothing keeps others out but the process itself: the data directory. */
#define OPENED "opened_directory"

/* A folder for the socket that nobody else can enter, with a path that is short enough. */
static bool
make_socket_folder(RecoveryServer *server, PgbrError *error)
{
	char path[PATH_MAX];
	char file[PATH_MAX + 32];

	if (!step_folder_path(server->context, "s", path, error))
		return false;
	/* PostgreSQL takes a list of folders: what would divide it can't be part of one */
	if (strlen(path) + strlen("/" SERVER_SOCKET) <= SOCKET_MOST && strpbrk(path, ",\"' ") == NULL)
	{
		strcpy(server->socket_folder, path);
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not create folder \"%s\": %s",
								  path, strerror(errno));
	}
	else
	{
		strcpy(server->socket_folder, "/tmp/pgbr-XXXXXX");
		server->own_folder = mkdtemp(server->socket_folder) != NULL;
		if (!server->own_folder)
			return pgbr_error_set(error, PGBR_ERROR_STORAGE,
								  "could not create a folder in /tmp: %s", strerror(errno));
	}
	/* a server that was killed leaves them behind, and its number may be another's by now */
	snprintf(file, sizeof(file), "%s/" SERVER_SOCKET, server->socket_folder);
	unlink(file);
	strcat(file, ".lock");
	unlink(file);
	return true;
}

static void
recovery_server_line(void *argument, char *line)
{
	RecoveryServer *server = argument;
	RecoveryLog *log = &server->log;
	JobProgress progress = {"replaying WAL", 0, -1, -1};

	recovery_log_line(log, line, server->wal_segment_size);
	server->context->log_line(server->context->argument, line);
	/* a later run reads there what this one has seen */
	if (server->log_fd >= 0)
		(void) dprintf(server->log_fd, "%s\n", line);
	if (log->segments > 0)
		progress.bytes_done =
			(int64_t) (log->last_segment - log->first_segment) * server->wal_segment_size;
	if (server->replay_bytes > 0)
	{
		progress.bytes_total = server->replay_bytes;
		if (progress.bytes_done > server->replay_bytes)
			progress.bytes_done = server->replay_bytes;
		progress.percent = (double) progress.bytes_done * 100 / (double) server->replay_bytes;
	}
	job_queue_progress(server->context->queue, &progress);
}

/* Open the data directory for our server alone. */
static bool
open_directory(const StepContext *context, bool fence, PgbrError *error)
{
	const char *data_directory = context->data_directory;

	if (!postmaster_reserve(data_directory, error))
		return false;
	if (fence)
		job_queue_remember(context->queue, OPENED, data_directory);
	if (fence_lift(data_directory, error))
		return true;
	postmaster_release(data_directory);
	return false;
}

/* True once it has taken the place that was kept for it, and has looked at the directory's mode. */
static bool
is_in_place(const RecoveryServer *server)
{
	Postmaster postmaster;
	PgbrError ignored;
	bool ok = postmaster_find(server->context->data_directory, &postmaster, &ignored) &&
			  postmaster.pid == server->child.process.pid;

	postmaster_done(&postmaster);
	return ok;
}

static void
keep_others_out(RecoveryServer *server)
{
	const char *data_directory = server->context->data_directory;
	PgbrError error;

	/* once it has read its signal file, it does not ask for the other one again */
	if (!server->standby && !server->log.begun)
		(void) recovery_signal_forget_standby(data_directory, &error);

	if (!server->alone)
	{
		server->alone = is_in_place(server);
		if (server->alone && server->fence && !fence_guard(data_directory, &error))
			log_error(NULL, "could not forbid the start of another PostgreSQL", &error);
	}
	/* each time, for the server may have written the file anew */
	if (server->alone)
		postmaster_hide(data_directory);
}

bool
recovery_server_start(RecoveryServer *server, StepContext *context, const RecoveryTarget *target,
					  bool fence, PgbrError *error)
{
	ServerCommand command = {0};
	char path[PATH_MAX];
	bool known;
	bool ok;

	*server = (RecoveryServer){.context = context,
							   .fence = fence,
							   .standby = target == NULL,
							   .log_fd = -1,
							   .wal_segment_size = SEGMENT};
	server->child.process.pid = -1;
	recovery_log_init(&server->log);
	known = step_control(context, &server->control, error);
	if (known)
		server->wal_segment_size = server->control.wal_segment_size;
	ok = make_socket_folder(server, error) &&
		 server_command_build(&command, context, server->socket_folder, target,
							  known ? &server->control : NULL, error) &&
		 step_folder_path(context, "recovery.log", path, error);
	if (ok)
	{
		server->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		ok = open_directory(context, fence, error) &&
			 (child_start(&server->child, command.argv, context->mark, recovery_server_line, server,
						  error) ||
			  pgbr_error_hint(error,
							  "Give the sidecar the folder of PostgreSQL's programs: --pg-bin."));
	}
	server_command_done(&command);
	/* nobody waits for a replica yet */
	if (ok && server->standby)
		process_yield(&server->child.process);
	return ok;
}

static bool
fail_by_log(const RecoveryServer *server, PgbrError *error)
{
	const RecoveryLog *log = &server->log;
	const char *last = log->tail_count ? log->tail[(log->tail_count - 1) % RECOVERY_LOG_TAIL] : "";
	const char *reason = log->fatal[0] ? log->fatal : last;
	const char *more = strstr(reason, "could not restore file") ? log->archive : log->detail;
	siginfo_t end = {0};

	if (waitid(P_PID, (id_t) server->child.process.pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		end.si_pid != 0 && end.si_code != CLD_EXITED)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "the private recovery server was killed by signal %d", end.si_status);
		return pgbr_error_hint(error, "Ask for the step again.");
	}
	/* Patroni does, when it was about to start a replica */
	if (strstr(reason, "recovery.signal"))
		return pgbr_error_set(error, PGBR_ERROR_NOT_FOUND,
							  "recovery.signal was removed by another process: %s", reason);
	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "recovery has failed: %s%s%s%s%s", reason,
				   more[0] ? ": " : "", more,
				   log->last_xact_time[0] ? "; the last commit that was reached is of " : "",
				   log->last_xact_time);
	return pgbr_error_hint(error, "%s", recovery_log_hint(log));
}

/* See what it does until something happens, or for ms. False when it has ended, or is to be
 * stopped. */
static bool
go_on(RecoveryServer *server, int ms, PgbrError *error)
{
	switch (child_watch(&server->child, job_queue_stop_fd(server->context->queue), ms))
	{
		case CHILD_ENDED:
			child_drain(&server->child);
			return fail_by_log(server, error);
		case CHILD_STOP:
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "recovery was stopped");
		case CHILD_NOTHING:
			break;
	}
	keep_others_out(server);
	return true;
}

bool
recovery_server_wait(RecoveryServer *server, PgbrError *error)
{
	/* how long it takes depends on the WAL alone; that it lives, and what it does, is seen */
	while (true)
	{
		if (!go_on(server, server->log.begun ? WATCH_MS : BEGUN_MS, error))
			return false;
		if (server->log.standby)
		{
			pgbr_error_set(error, PGBR_ERROR_NOT_FOUND,
						   "another process made the data directory a standby during recovery");
			return pgbr_error_hint(error, "Patroni does this from what it remembers. Ask again.");
		}
		/* no login is needed to know it */
		if (server->log.ready)
			return true;
	}
}

bool
recovery_server_wait_begun(RecoveryServer *server, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + BEGIN_MS;

	while (clock_monotonic_ms() < deadline)
	{
		ControlData control;
		PgbrError ignored;

		if (!go_on(server, BEGUN_MS, error))
			return false;
		if (server->log.ready)
			return pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "it is no standby");
		server->begun =
			step_control(server->context, &control, &ignored) && control_data_is_replica(&control);
		if (server->begun)
			return true;
	}
	return pgbr_error_set(error, PGBR_ERROR_TIMEOUT,
						  "timed out after %d s waiting for recovery to begin", BEGIN_MS / 1000);
}

bool
recovery_server_had_too_little(const RecoveryServer *server)
{
	ControlData control;
	PgbrError ignored;

	return server->control.wal_segment_size > 0 &&
		   step_control(server->context, &control, &ignored) &&
		   control_data_needs_more(&control, &server->control);
}

bool
recovery_server_close(const StepContext *context, PgbrError *error)
{
	if (!fence_raise(context->data_directory, error))
		return false;
	job_queue_remember(context->queue, OPENED, "");
	return true;
}

bool
recovery_server_stop(RecoveryServer *server, PgbrError *error)
{
	bool aborted = step_is_stopped(server->context);
	int64_t deadline = clock_monotonic_ms() +
					   (aborted ? server->context->config->stop_timeout * 500 : SHUTDOWN_MS);
	ChildEvent event = CHILD_NOTHING;
	char path[256];
	int status = 0;

	if (server->child.process.pid > 0)
	{
		process_signal(&server->child.process,
					   server->standby && !server->begun ? SIGQUIT : SIGINT);
		while (event != CHILD_ENDED && clock_monotonic_ms() < deadline)
			event = child_watch(&server->child, -1, WATCH_MS);
		if (event != CHILD_ENDED)
			process_signal(&server->child.process, SIGQUIT);
		status = child_end(&server->child, QUIT_MS);
		/* what fetches WAL for it would write into pg_wal behind the next one's back */
		process_end_marked(server->context->mark, LEFT_MS);
	}
	if (server->log_fd >= 0)
		close(server->log_fd);
	if (server->own_folder)
	{
		snprintf(path, sizeof(path), "%s/" SERVER_SOCKET, server->socket_folder);
		unlink(path);
		strcat(path, ".lock");
		unlink(path);
		rmdir(server->socket_folder);
	}
	postmaster_release(server->context->data_directory);
	if (server->fence && !recovery_server_close(server->context, error))
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the recovered server did not shut down cleanly");
	return pgbr_error_hint(error, "Ask for the step again.");
}

void
recovery_server_end_leftovers(JobQueue *queue)
{
	char restore[JOB_ID_SIZE];
	char running[JOB_ID_SIZE];
	char data_directory[FACT_SIZE];
	Postmaster postmaster = {0, -1};
	PgbrError error;
	bool ok = true;

	job_queue_recall(queue, OPENED, data_directory, sizeof(data_directory));
	job_queue_at_work(queue, restore, running);
	if (data_directory[0] == '\0')
		return;
	/* the fence first: a server that has slipped in is seen then, and is left for the next step
	 * to end */
	if (restore[0])
		ok = fence_raise(data_directory, &error) &&
			 postmaster_find(data_directory, &postmaster, &error) &&
			 (postmaster.pid == 0 ? postmaster_forget(data_directory, &error)
								  : fence_lift(data_directory, &error));
	if (!ok)
		log_error(NULL, "could not keep PostgreSQL from starting during a restore", &error);
	else if (restore[0])
		log_event(LOG_LEVEL_WARNING, NULL,
				  postmaster.pid ? "PostgreSQL was started during a restore"
								 : "fenced the data directory again during a restore");
	if (ok)
		job_queue_remember(queue, OPENED, "");
	postmaster_done(&postmaster);
}

static bool
recovers_for(const void *argument, const StrBuf *command_line)
{
	static const char name[] = "external_pid_file=";
	const char *end = argument;

	for (size_t at = 0; at < command_line->length; at += strlen(command_line->data + at) + 1)
	{
		const char *text = command_line->data + at;
		size_t length = strlen(text);

		if (strncmp(text, name, strlen(name)) == 0 && length > strlen(end) &&
			strcmp(text + length - strlen(end), end) == 0)
			return true;
	}
	return false;
}

bool
recovery_server_is_near(const char *restore)
{
	char end[JOB_ID_SIZE + 32];

	snprintf(end, sizeof(end), "/restore/%s/" SERVER_PID, restore);
	return process_find(recovers_for, end) != 0;
}
