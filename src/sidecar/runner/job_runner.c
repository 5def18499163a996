/*
 * job_runner.c
 *		See job_runner.h.
 *
 * The crash case: pgbackrest is sent SIGTERM by the kernel when this thread dies with the process
 * (process.h), gives its lock back and ends. A sidecar that starts meanwhile waits for that, and
 * kills what does not end: it knows such processes by the mark in their environment, which holds
 * the state folder. Their jobs are closed as interrupted, and nothing is run a second time.
 */
#include "sidecar/runner/job_runner.h"

#include "program/child.h"
#include "program/clock.h"
#include "program/log.h"
#include "sidecar/runner/backup_checkpoint.h"
#include "sidecar/runner/backup_snapshot.h"
#include "sidecar/runner/expiry_run.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/steps/step_run.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/queue/queue_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_MAX	  (256 * 1024) /* bytes of a job's log */
#define REFRESH_S 10		   /* to show a new backup before its job says succeeded */
#define EXPLAIN_S 60		   /* for info to say what is wrong with a repository */
#define RETRY_MS  1000
/* For the children of a pgbackrest that was killed: they have inherited its lock, and by themselves
 * they end after 15 s, SIGTERM or not. */
#define ORPHAN_MS 1000

struct JobRunner
{
	pthread_t thread;
	const SidecarConfig *config;
	JobQueue *queue;
	InfoCache *cache;
};

/* One pgbackrest while it runs. */
typedef struct Run
{
	JobRunner *runner;
	Job *job;
	Child child;
	PgbackrestRun output;
	int log; /* -1: could not be opened */
	size_t logged;
	bool stopping;	   /* SIGTERM was sent */
	char stop_lsn[20]; /* of the backup that was made, or "" */
} Run;

static void
make_mark(const SidecarConfig *config, const char *id, char *mark, size_t size)
{
	snprintf(mark, size, "%s:%s", config->state_dir, id);
}

void
job_runner_end_leftovers(const SidecarConfig *config)
{
	char mark[4200];
	int found;

	make_mark(config, "", mark, sizeof(mark));
	found = process_end_marked(mark, config->stop_timeout * 1000);
	if (found > 0)
		log_event(LOG_LEVEL_WARNING, NULL,
				  "ended %d process(es) that an earlier sidecar left running", found);
}

static void
log_line(Run *run, const char *line)
{
	static const char cut[] = "... the rest of the log was left out\n";
	size_t length = strlen(line);

	if (run->log < 0 || run->logged > LOG_MAX)
		return;
	if (run->logged + length + 1 > LOG_MAX)
	{
		(void) !write(run->log, cut, sizeof(cut) - 1);
		run->logged = LOG_MAX + 1;
		return;
	}
	run->logged += length + 1;
	/* a log that can't be written is no reason to lose the backup */
	if (dprintf(run->log, "%s\n", line) < 0)
	{
		log_event(LOG_LEVEL_WARNING, run->job->id, "could not write the job's log: %s",
				  strerror(errno));
		run->logged = LOG_MAX + 1;
	}
}

static void
take_line(void *argument, char *line)
{
	Run *run = argument;

	backup_snapshot_line(line, run->stop_lsn);
	if (pgbackrest_run_line(&run->output, line))
		log_line(run, line);
}

/* Take what pgbackrest prints until it has ended, or has had its time to end. */
static void
follow(Run *run)
{
	JobQueue *queue = run->runner->queue;
	ChildEvent event;

	while ((event = child_watch(&run->child, job_queue_stop_fd(queue), -1)) == CHILD_NOTHING)
		job_queue_progress(queue, &run->output.progress);
	if (event != CHILD_STOP)
		return;
	log_event(LOG_LEVEL_INFO, run->job->id, "stopping pgbackrest");
	run->stopping = true;
	child_stop(&run->child, run->runner->config->stop_timeout * 1000);
}

static void
set_failure(Job *job, int exit_code, const char *error, const char *message, const char *hint)
{
	job->state = PGBR_STATE_FAILED;
	job->exit_code = exit_code;
	pgbr_copy_text(job->error, sizeof(job->error), error);
	pgbr_copy_text(job->message, sizeof(job->message), message);
	pgbr_copy_text(job->hint, sizeof(job->hint), hint ? hint : "");
}

/* What the end of pgbackrest means for the job. */
static void
conclude(Run *run, int status)
{
	Job *job = run->job;
	const PgbackrestRun *output = &run->output;
	char message[128];

	/* one that is complete stays when the expire after it fails */
	if (output->made)
		strcpy(job->label, output->label);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !output->verify_failed)
	{
		job->state = PGBR_STATE_SUCCEEDED;
		job->exit_code = 0;
		return;
	}
	if (WIFSIGNALED(status))
	{
		snprintf(message, sizeof(message), "pgbackrest was killed by signal %d", WTERMSIG(status));
		set_failure(job, -1, "killed", message, NULL);
	}
	else if (WEXITSTATUS(status) == 0)
		set_failure(
			job, 0, "verify",
			output->not_verified
				? "pgbackrest verify could not read the stanza's backup.info or archive.info"
				: "pgbackrest verify found what is missing or damaged",
			output->not_verified ? "Ask for a check, which says why."
								 : "See the job's log for the files.");
	else
	{
		set_failure(job, WEXITSTATUS(status), pgbackrest_error_name(WEXITSTATUS(status)),
					output->message[0] ? output->message : "pgbackrest gave no message", NULL);
		pgbackrest_run_hint(output, WEXITSTATUS(status), job->hint, sizeof(job->hint));
	}
	if (!run->stopping)
		return;
	if (job_queue_cancelled(run->runner->queue))
	{
		job->state = PGBR_STATE_CANCELLED;
		strcpy(job->message, "pgbackrest was stopped because the job was cancelled");
		job->hint[0] = '\0';
	}
	else
	{
		job->state = PGBR_STATE_INTERRUPTED;
		strcpy(job->message, "pgbackrest was stopped because the sidecar is stopping");
		strcpy(job->hint, "Ask for it again.");
	}
}

static void
open_log(Run *run)
{
	char path[4096];

	job_queue_log_path(run->runner->queue, run->job, path, sizeof(path));
	run->log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (run->log < 0)
		log_event(LOG_LEVEL_WARNING, run->job->id, "could not create the job's log \"%s\": %s",
				  path, strerror(errno));
}

/* Run a command line, which is taken over, to its end. False when it was told to end. */
static bool
run_command(void *argument, Command *command)
{
	Run *run = argument;
	PgbrError error;
	char mark[4200];

	pgbackrest_run_init(&run->output, run->job->request.kind);
	make_mark(run->runner->config, run->job->id, mark, sizeof(mark));
	if (command->failed)
		set_failure(run->job, -1, "internal", "out of memory", NULL);
	else if (!child_start(&run->child, (const char *const *) command->argv, mark, take_line, run,
						  &error))
		set_failure(run->job, -1, pgbr_error_code_name(error.code), error.message,
					"Check --pgbackrest of the sidecar.");
	else
	{
		int status;

		/* the verb is the last one; a backup may be followed by expires */
		log_event(LOG_LEVEL_INFO, run->job->id, "started: pgbackrest %s, process %d",
				  command->argv[command->count - 1], (int) run->child.process.pid);
		follow(run);
		status = child_end(&run->child, run->stopping ? 0 : ORPHAN_MS);
		conclude(run, status);
	}
	command_done(command);
	return !run->stopping;
}

static void
log_our_line(void *argument, const char *line)
{
	log_line(argument, line);
}

/* A backup that can't be made without it fails by itself, and says more. */
static void
end_promotion(Run *run)
{
	const JobRunner *runner = run->runner;
	PgbrError error;
	char mark[4200];
	char line[1100];
	bool made;

	make_mark(runner->config, run->job->id, mark, sizeof(mark));
	if (!backup_checkpoint(runner->config, mark, job_queue_stop_fd(runner->queue), &made, &error))
	{
		snprintf(line, sizeof(line), "could not look whether a promotion needs a checkpoint: %s",
				 error.message);
		log_line(run, line);
	}
	else if (made)
		log_line(run, "made the checkpoint that ends the promotion");
}

static void
run_pgbackrest(Run *run)
{
	const JobRunner *runner = run->runner;
	PgbrJobKind kind = run->job->request.kind;
	Command command;

	if (kind == PGBR_JOB_BACKUP && !runner->config->repository_host)
		end_promotion(run);
	if (kind == PGBR_JOB_BACKUP || kind == PGBR_JOB_EXPIRE)
	{
		expiry_run(&(ExpiryRun){runner->config, runner->queue, runner->cache, run->job, run_command,
								log_our_line, run});
		return;
	}
	pgbackrest_job_command(runner->config, run->job, &command);
	run_command(run, &command);
}

/* The outcome must reach the disk before anything else is begun. */
static void
finish(JobRunner *runner, const Job *job)
{
	PgbrError error;
	bool reported = false;

	while (!job_queue_finish(runner->queue, job, &error))
	{
		if (!reported)
			log_error(job->id, "could not store the job's outcome; trying again until it is stored",
					  &error);
		reported = true;
		/* a full disk tells nobody when it has room again; a stop ends the waiting, and the next
		 * start finds the job running and closes it as interrupted */
		if (job_queue_stopping(runner->queue))
			return;
		poll(NULL, 0, RETRY_MS);
	}
	log_event(job->state == PGBR_STATE_FAILED ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, job->id,
			  "%s%s%s%s%s%s%s", pgbr_job_state_name(job->state), job->label[0] ? ": " : "",
			  job->label, job->error[0] ? ": " : "", job->error, job->error[0] ? ": " : "",
			  job->message);
}

static bool
is_stopping(void *argument)
{
	return job_queue_stopping(((JobRunner *) argument)->queue);
}

/* Have info say why a job could not find the stanza. */
static void
explain(JobRunner *runner, Job *job, uint64_t ticket)
{
	char text[1024];
	InfoSnapshot info;
	const char *ours;
	const PgbackrestStanza *stanza = &info.stanza;

	if (!info_cache_wait(runner->cache, ticket, EXPLAIN_S, is_stopping, runner))
		return;
	info_cache_get(runner->cache, &info);
	if (!info.failed && stanza->repo_failed > stanza->repo_missing &&
		(job->request.repo == 0 || job->request.repo == stanza->failed_repo))
	{
		ours = pgbackrest_text_hint(stanza->repo_message);
		snprintf(text, sizeof(text), "%s%spgbackrest info says: %s", ours ? ours : "",
				 ours ? " " : "", stanza->repo_message);
		pgbr_copy_text(job->hint, sizeof(job->hint), text);
	}
	info_snapshot_done(&info);
}

/* A restore to a transaction id wants to know this of a backup; it is good without. */
static void
note_snapshot(Run *run)
{
	const SidecarConfig *config = run->runner->config;
	PgbrError error;
	char mark[4200];

	make_mark(config, run->job->id, mark, sizeof(mark));
	if (!backup_snapshot_note(config, run->job, run->stop_lsn, mark,
							  job_queue_stop_fd(run->runner->queue), &error))
		log_event(LOG_LEVEL_WARNING, run->job->id,
				  "could not note with the backup which transactions had ended: %s", error.message);
}

/* Where this member's PostgreSQL lies, also while it is down: what is given or was told. */
static void
find_postgres(JobRunner *runner, const char *given, const char *fact, char *path)
{
	if (given)
		pgbr_copy_text(path, FACT_SIZE, given);
	else
		job_queue_recall(runner->queue, fact, path, FACT_SIZE);
}

static void
log_step_line(void *argument, const char *line)
{
	log_line(argument, line);
}

/* A step of a restore: step_run runs it. */
static void
run_step(Run *run)
{
	JobRunner *runner = run->runner;
	Job *job = run->job;
	const char *kind = pgbr_job_kind_name(job->request.kind);
	char data_directory[FACT_SIZE];
	char postgres_bin[FACT_SIZE];
	char mark[4200];
	json_t *arguments = json_loads(job->request.arguments, 0, NULL);
	StepContext context = {
		.config = runner->config,
		.queue = runner->queue,
		.cache = runner->cache,
		.restore = job->request.restore,
		.data_directory = data_directory,
		.postgres_bin = postgres_bin,
		.mark = mark,
		.arguments = arguments,
		.log_line = log_step_line,
		.argument = run,
	};
	size_t length;

	find_postgres(runner, runner->config->pg_data, "data_directory", data_directory);
	find_postgres(runner, runner->config->pg_bin, "postgres_bin", postgres_bin);
	make_mark(runner->config, job->id, mark, sizeof(mark));
	log_event(LOG_LEVEL_INFO, job->id, "started: %s of restore %s", kind, job->request.restore);
	step_run(&context, job);
	length = json_dumpb(context.result, job->result, sizeof(job->result) - 1, JSON_COMPACT);
	if (length >= sizeof(job->result))
	{
		log_event(LOG_LEVEL_ERROR, job->id, "the result of %s is too long to be kept", kind);
		length = 0;
	}
	job->result[length] = '\0';
	json_decref(context.result);
	json_decref(arguments);
}

/* A client that waits for the job and then reads info must see what the job has done. */
static void
show_outcome(JobRunner *runner, Job *job, const PgbackrestRun *output)
{
	uint64_t ticket = info_cache_refresh(runner->cache);

	if (job->state == PGBR_STATE_SUCCEEDED)
		info_cache_wait(runner->cache, ticket, REFRESH_S, is_stopping, runner);
	else if (job->state == PGBR_STATE_FAILED && pgbackrest_run_is_vague(output))
		explain(runner, job, ticket);
}

static void
run_job(JobRunner *runner, Job *job)
{
	Run run = {.runner = runner, .job = job, .log = -1};

	pgbackrest_run_init(&run.output, job->request.kind);
	job_queue_progress(runner->queue, &run.output.progress);
	open_log(&run);
	if (pgbr_job_kind_is_step(job->request.kind))
		run_step(&run);
	else
		run_pgbackrest(&run);
	if (job->request.kind == PGBR_JOB_BACKUP && job->state == PGBR_STATE_SUCCEEDED &&
		!runner->config->repository_host)
		note_snapshot(&run);
	if (run.log >= 0)
		close(run.log);
	/* a step makes no backup, and the whole cluster waits for it */
	if (!pgbr_job_kind_is_step(job->request.kind))
		show_outcome(runner, job, &run.output);
	job->finished_at = clock_now_ms();
	finish(runner, job);
}

static void *
run_jobs(void *argument)
{
	JobRunner *runner = argument;
	Job *job = malloc(sizeof(*job));

	while (job && job_queue_take(runner->queue, job))
		run_job(runner, job);
	free(job);
	return NULL;
}

JobRunner *
job_runner_start(const SidecarConfig *config, JobQueue *queue, InfoCache *cache, PgbrError *error)
{
	JobRunner *runner = malloc(sizeof(*runner));

	if (runner == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	runner->config = config;
	runner->queue = queue;
	runner->cache = cache;
	if (pthread_create(&runner->thread, NULL, run_jobs, runner) != 0)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not start a thread");
		free(runner);
		return NULL;
	}
	return runner;
}

void
job_runner_join(JobRunner *runner)
{
	pthread_join(runner->thread, NULL);
	free(runner);
}
