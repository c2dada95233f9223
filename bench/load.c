/*
 * usage: load [OPTION]... PORT PATH
 *   -c N  connections (64)          -d N  requests under way on each, pipelined (1)
 *   -s S  seconds measured (2)      -w S  seconds before that (0.5)
 *   -n N  so many requests instead of a time, without the time before
 *   -r R  open loop: R requests a second
 *   -k    a new connection for each request
 *   -i    idle: one request on each connection, print "ready", hold them until stdin ends
 *   -b N  POST with a body of N bytes
 *   -j    the body is JSON: an object with "model" first, and a text that fills it
 *   -x N  bytes of body that each answer must have, else it is an error
 *   -H H  a header line
 *   -t    TLS; -T  TLS whose sessions are resumed
 *   -p P,P  processes whose CPU time is taken over the time measured
 * Prints one JSON object. Traffic goes to 127.0.0.1 only.
 */
#define _GNU_SOURCE
#include "load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const int64_t second = 1000000000;

/* One option with a value. */
static void set_option(struct options *o, int option, const char *value)
{
	unsigned long long number = strtoull(value, NULL, 10);

	switch (option) {
	case 'c':
		o->connections = (unsigned)number;
		break;
	case 'd':
		o->depth = (unsigned)number;
		break;
	case 's':
		o->seconds = strtod(value, NULL);
		break;
	case 'w':
		o->warm = strtod(value, NULL);
		break;
	case 'n':
		o->count = number;
		break;
	case 'r':
		o->rate = strtod(value, NULL);
		break;
	case 'b':
		o->body = number;
		break;
	case 'x':
		o->expect = (int64_t)number;
		break;
	case 'H':
		o->header = value;
		break;
	case 'p':
		cpu_parse(&o->pids, value);
		break;
	default:
		exit(2);
	}
}

static void read_options(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){
		.connections = 64, .depth = 1, .seconds = 2, .warm = 0.5, .expect = -1, .header = ""
	};
	while ((option = getopt(argc, argv, "c:d:s:w:n:r:b:x:H:p:jkitT")) != -1) {
		if (option == 'k')
			o->close = true;
		else if (option == 'i')
			o->hold = true;
		else if (option == 'j')
			o->json = true;
		else if (option == 't' || option == 'T')
			o->tls = option == 't' ? WIRE_TLS : WIRE_TLS_RESUMED;
		else
			set_option(o, option, optarg);
	}
	if (argc - optind != 2 || o->connections == 0 || o->depth == 0 || o->depth > PIPELINE_MAX) {
		(void)fprintf(stderr, "usage: load [OPTION]... PORT PATH\n");
		exit(2);
	}
	o->port = (unsigned)strtoul(argv[optind], NULL, 10);
	o->path = argv[optind + 1];
	if (o->body > 0 || o->close || o->hold || o->rate > 0)
		o->depth = 1;
}

static void raise_limits(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	(void)prctl(PR_SET_TIMERSLACK, 1);
	(void)prctl(PR_SET_PDEATHSIG, 15);
}

/* One request at a time until all connections have had theirs. */
static void open_all(struct load *l)
{
	for (unsigned i = 0; i < l->o.connections && !l->stopping; i++) {
		struct conn *c = &l->conns[i];

		conn_open(l, c);
		if (l->o.rate > 0)
			continue;
		conn_send(l, c, l->o.depth);
		for (int turns = 0; l->o.hold && c->pending > 0 && turns < 100; turns++)
			load_turn(l, second / 10);
		if (l->o.hold && c->pending > 0)
			load_error(l, "no answer in ten seconds");
	}
}

static void run_until(struct load *l, int64_t end_ns)
{
	l->now_ns = now_ns();
	while (l->now_ns < end_ns && !l->stopping) {
		int64_t wait = end_ns - l->now_ns;

		if (l->o.rate > 0) {
			int64_t gap = pace_send(l);

			wait = gap < wait ? gap : wait;
		}
		load_turn(l, wait);
		if (l->o.count > 0 && l->answers >= l->o.count)
			return;
	}
}

/* A connection that is owed an answer and had none in the last second of the run has stalled. */
static void run_measured(struct load *l, int64_t seconds_ns)
{
	int64_t start = now_ns(), last = seconds_ns > 2 * second ? second : seconds_ns / 2;

	run_until(l, start + seconds_ns - last);
	for (unsigned i = 0; i < l->o.connections; i++)
		l->conns[i].active = false;
	if (l->o.count > 0)
		return;
	run_until(l, start + seconds_ns);
	for (unsigned i = 0; i < l->o.connections && l->answers > 0; i++) {
		if (l->conns[i].pending > 0 && !l->conns[i].active && last >= second)
			load_error(l, "stalled");
	}
}

static void report_latency(const struct histogram *h)
{
	static const struct {
		const char *name;
		double part;
	} rows[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p999", 0.999 } };

	for (unsigned i = 0; i < 4; i++)
		(void)printf(",\"%s_us\":%.1f", rows[i].name,
			     (double)histogram_quantile(h, rows[i].part) / 1000);
}

static void report(const struct load *l, double seconds, const struct cpu *from,
		   const struct cpu *to)
{
	uint64_t ticks = to->user_ticks - from->user_ticks + to->system_ticks - from->system_ticks;

	(void)printf("{\"requests\":%llu,\"errors\":%llu,\"seconds\":%.4f,\"bytes\":%llu",
		     (unsigned long long)l->answers, (unsigned long long)l->errors, seconds,
		     (unsigned long long)l->moved);
	(void)printf(",\"cpu_ns\":%llu,\"user_ticks\":%llu,\"ticks\":%llu",
		     (unsigned long long)(to->run_ns - from->run_ns),
		     (unsigned long long)(to->user_ticks - from->user_ticks),
		     (unsigned long long)ticks);
	if (l->o.rate > 0) {
		report_latency(&l->latency);
		(void)printf(",\"behind\":%llu", (unsigned long long)(l->queue_in - l->queue_out));
	}
	if (l->error)
		(void)printf(",\"error\":\"%s\"", l->error);
	(void)printf("}\n");
}

static void measure(struct load *l)
{
	struct cpu from, to;
	int64_t start;

	open_all(l);
	if (l->o.count == 0) {
		run_until(l, now_ns() + (int64_t)(l->o.warm * 1e9));
		l->answers = l->moved = 0;
		memset(&l->latency, 0, sizeof(l->latency));
	}
	from = cpu_read(&l->o.pids);
	start = now_ns();
	run_measured(l, (int64_t)(l->o.seconds * 1e9));
	to = cpu_read(&l->o.pids);
	report(l, (double)(now_ns() - start) / 1e9, &from, &to);
}

/* Answers that come unasked, or ends, are seen and counted. */
static void hold(struct load *l)
{
	struct cpu none = { 0 };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	open_all(l);
	(void)printf("ready\n");
	(void)fflush(stdout);
	while (poll(&in, 1, 100) == 0)
		load_turn(l, 0);
	report(l, 0, &none, &none);
}

int main(int argc, char **argv)
{
	static struct load l;

	read_options(&l.o, argc, argv);
	raise_limits();
	wire_be_client(l.o.tls);
	load_init(&l);
	if (l.o.rate > 0) {
		l.on_answer = pace_answer;
		pace_init(&l);
	}
	if (l.o.hold)
		hold(&l);
	else
		measure(&l);
	return l.errors > 0;
}
