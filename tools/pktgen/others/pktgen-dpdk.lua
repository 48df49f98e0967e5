-- The gateway's traffic with Pktgen-DPDK: sends the captures that `captures` has written.
--
--   pktgen -l 0-2 -- -P -m "1.0,2.1" -s 0:downlink.pcap -s 1:uplink.pcap -f pktgen-dpdk.lua
--
-- Port 0 is the side of the correspondents, port 1 that of the care-of addresses. RATE is the
-- percentage of the ports' speed, SECONDS how long. What came back is in the ports' counters: packets
-- sent on one port arrive at the other.
package.path = package.path .. ";?.lua;test/?.lua;app/?.lua;"
require "Pktgen"

local rate = tonumber(os.getenv("RATE") or "10")
local seconds = tonumber(os.getenv("SECONDS") or "10")

pktgen.pcap("all", "enable")
pktgen.set("all", "count", 0)
pktgen.set("all", "rate", rate)
pktgen.clr()
pktgen.start("all")
pktgen.delay(seconds * 1000)
pktgen.stop("all")
pktgen.delay(2000)
for port, stats in pairs(pktgen.portStats("all", "port")) do
	if type(stats) == "table" and stats.opackets then
		printf("port %s: sent %d, received %d\n", tostring(port), stats.opackets, stats.ipackets)
	end
end
pktgen.quit()
