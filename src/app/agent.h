/*
 * The agent process. It is the first to load a generation's config; then it is the control plane
 * beside traffic.
 */
#ifndef NEAP_APP_AGENT_H
#define NEAP_APP_AGENT_H

/* ward: the generation's agent. Returns the exit status. */
int agent_main(void *ward, int channel);

#endif
