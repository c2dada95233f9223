#include "app/tools.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cc.h"
#include "lua/tool.h"

static const struct {
	const char *verb, *module;
} tools[] = {
	{ "convert", "neap.convert" },
	{ "init", "neap.project" },
	{ "replay", "neap.replay" },
	{ "sim", "neap.sim" },
};

static const char *module_of(const char *word)
{
	for (size_t i = 0; i < countof(tools); i++) {
		if (strcmp(word, tools[i].verb) == 0)
			return tools[i].module;
	}
	return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
	return argc > 2 && strcmp(argv[1], "help") == 0;
}

const char *tools_find(int argc, char **argv)
{
	if (asks_for_help(argc, argv))
		return module_of(argv[2]);
	return argc > 1 ? module_of(argv[1]) : NULL;
}

/* Runs in a signal handler. */
static void on_stuck(const char *who)
{
	static const char before[] = "neap: ";
	static const char behind[] = ": it is stuck in a function of C (a pattern that matches "
				     "too slowly?), and was stopped\n";
	struct iovec parts[] = {
		{ (void *)(uintptr_t)before, sizeof(before) - 1 },
		{ (void *)(uintptr_t)who, strlen(who) },
		{ (void *)(uintptr_t)behind, sizeof(behind) - 1 },
	};

	_exit(writev(STDERR_FILENO, parts, countof(parts)) < 0 ? 2 : 1);
}

enum err tools_run(const char *module, int argc, char **argv, int *status, struct error *e)
{
	static char help[] = "--help";
	char *only_help[] = { help, NULL };
	struct tool t = { module, argc - 2, argv + 2, on_stuck };

	if (asks_for_help(argc, argv)) {
		t.argc = 1;
		t.argv = only_help;
	}
	return tool_run(&t, status, e);
}
