#include "fleet/limits.h"

#include <sys/resource.h>

#include "base/log.h"

enum { MARGIN = 128 }; /* listeners, board, log, idle connections to backends, what scripts open */

static uint32_t connections_in(uint64_t files)
{
	uint64_t margin = files / 4 < MARGIN ? files / 4 : MARGIN;
	uint64_t fit = (files - margin) / 2;

	return fit > UINT32_MAX ? UINT32_MAX : (uint32_t)(fit > 0 ? fit : 1);
}

static uint64_t limit_now(void)
{
	struct rlimit now;

	return getrlimit(RLIMIT_NOFILE, &now) == 0 ? now.rlim_cur : 1024;
}

void limits_raise(uint32_t connections)
{
	struct rlimit now;
	uint64_t need = (uint64_t)connections * 2 + MARGIN;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= need)
		return;
	struct rlimit wanted = { .rlim_cur = need, .rlim_max = now.rlim_max };
	if (need > now.rlim_max)
		wanted.rlim_max = need;
	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		return;
	wanted = (struct rlimit){ .rlim_cur = now.rlim_max, .rlim_max = now.rlim_max };
	(void)setrlimit(RLIMIT_NOFILE, &wanted); /* limit_now below reads what is in force */
	if ((uint64_t)connections * 2 <= limit_now())
		return; /* only the margin is smaller: at worst accepting pauses for a moment */
	log_warn("limits.connections = %u needs %llu open files, the limit is %llu: "
		 "each worker serves %u connections (ulimit -n, or LimitNOFILE= of systemd)",
		 connections, (unsigned long long)need, (unsigned long long)limit_now(),
		 connections_in(limit_now()));
}

void limits_raise_own(void)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return;
	now.rlim_cur = now.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &now); /* it works with less, too */
}

void limits_fit(struct conf *c)
{
	uint64_t files = limit_now();

	for (unsigned i = 0; i < c->services_n; i++) {
		struct conf_limits *l = &c->services[i].limits;
		if ((uint64_t)l->connections * 2 > files)
			l->connections = connections_in(files);
	}
}
