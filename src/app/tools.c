#include "app/tools.h"

#include <stddef.h>
#include <string.h>

#include "base/cc.h"
#include "script/tool.h"

static const struct {
	const char *verb, *module;
} tools[] = {
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

bool tools_is(const char *word)
{
	return module_of(word) != NULL;
}

const char *tools_find(int argc, char **argv)
{
	return argc > 1 ? module_of(argv[1]) : NULL;
}

enum err tools_run(const char *module, int argc, char **argv, int *status, struct error *e)
{
	return tool_run(module, argc - 2, argv + 2, status, e);
}
