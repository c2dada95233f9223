/*
 * Started by root: the process that evaluates a config only to learn which user it names, as
 * nobody, with little room. It tells the master and ends; the agent then loads the config as that
 * user.
 */
#ifndef NEAP_APP_PROBE_H
#define NEAP_APP_PROBE_H

/* ward: the generation's probe. Returns the exit status. */
int probe_main(void *ward, int channel);

#endif
