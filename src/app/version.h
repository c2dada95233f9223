/*
 * The version, and those of the libraries in use.
 */
#ifndef NEAP_APP_VERSION_H
#define NEAP_APP_VERSION_H

/* Prints them on stdout. */
void version_print(void);

#endif
