#include "app/children.h"

#include "app/agent.h"
#include "app/probe.h"
#include "app/worker.h"

const struct generation_mains children_mains = {
	.probe = probe_main,
	.agent = agent_main,
	.trial = probe_try_main,
	.worker = worker_main,
};
