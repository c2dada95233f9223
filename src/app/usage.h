/*
 * What -h prints: of one command, or of all. The options' own lines are the command line's.
 */
#ifndef NEAP_APP_USAGE_H
#define NEAP_APP_USAGE_H

/* verb: "reload"; NULL: all of them. On stdout. */
void usage_print(const char *verb);

#endif
