#include "app/tools.h"

#include <stddef.h>
#include <string.h>

#include "base/cc.h"
#include "script/tool.h"

static const struct {
	const char *verb, *module;
} tools[] = {
	{ "init", "neap.project" },
	{ "sim", "neap.sim" },
};

const char *tools_find(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < countof(tools); i++) {
		if (strcmp(argv[1], tools[i].verb) == 0)
			return tools[i].module;
	}
	return NULL;
}

enum err tools_run(const char *module, int argc, char **argv, int *status, struct error *e)
{
	return tool_run(module, argc - 2, argv + 2, status, e);
}
