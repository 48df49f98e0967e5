/* dmm-pktgen: plays mobile nodes and their correspondents, and measures what the gateway does. */
#include "tools/pktgen/command.h"
#include "tools/pktgen/eal.h"

int main(int argc, char **argv)
{
	eal_set_arguments(argv);
	return command_main(argc, argv);
}
