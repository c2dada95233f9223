/*
 * What -h prints, for one command or for all. The lines of the options come from app/options.
 */
#ifndef NEAP_APP_USAGE_H
#define NEAP_APP_USAGE_H

/* verb: "reload"; NULL: all of them. On stdout. */
void usage_print(const char *verb);

#endif
