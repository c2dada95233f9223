/*
 * What processes have used so far, all their threads together.
 */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <stdint.h>

enum { CPU_PIDS_MAX = 64 };

struct cpu_pids {
	int n;
	int pid[CPU_PIDS_MAX];
};

struct cpu {
	uint64_t run_ns;		   /* exact, from schedstat */
	uint64_t user_ticks, system_ticks; /* for the split between the two */
};

/* "12,34" */
void cpu_parse(struct cpu_pids *pids, const char *text);

struct cpu cpu_read(const struct cpu_pids *pids);

#endif
