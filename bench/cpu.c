#include "cpu.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cpu_parse(struct cpu_pids *pids, const char *text)
{
	char *end;

	for (pids->n = 0; *text && pids->n < CPU_PIDS_MAX; text = *end ? end + 1 : end)
		pids->pid[pids->n++] = (int)strtol(text, &end, 10);
}

static void add_threads(struct cpu *c, int pid)
{
	char path[300];
	struct dirent *entry;
	DIR *folder;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		unsigned long long ns;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid,
			       entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%llu", &ns) == 1)
			c->run_ns += ns;
		if (file)
			(void)fclose(file);
	}
	if (folder)
		(void)closedir(folder);
}

static void add_ticks(struct cpu *c, int pid)
{
	char path[64], text[1024];
	unsigned long long user, system;
	const char *after;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return;
	after = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
	if (after && sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			    &user, &system) == 2) {
		c->user_ticks += user;
		c->system_ticks += system;
	}
	(void)fclose(file);
}

struct cpu cpu_read(const struct cpu_pids *pids)
{
	struct cpu c = { 0 };

	for (int i = 0; i < pids->n; i++) {
		add_threads(&c, pids->pid[i]);
		add_ticks(&c, pids->pid[i]);
	}
	return c;
}
