package manifest

import (
	"slices"
	"strconv"
)

// mpiVariables make each of the usual MPIs start all its ranks on this
// machine, without a network, a remote shell or a look at the hardware, and
// talk through memory that they share. One that does not know a name passes it over.
var mpiVariables = map[string]string{
	// Open MPI 4
	"OMPI_MCA_plm":                                 "isolated", // no remote shell
	"OMPI_MCA_rmaps_base_oversubscribe":            "1",        // as many ranks as the recipe says, not as there are processors
	"OMPI_MCA_hwloc_base_binding_policy":           "none",
	"OMPI_MCA_btl":                                 "^tcp,openib,usnic,ofi,uct,portals4,ugni", // what is left are memory, and the process itself
	"OMPI_MCA_btl_vader_single_copy_mechanism":     "none",                                    // the other way looks into other processes, which the sandbox refuses
	"OMPI_MCA_pml":                                 "ob1",
	"OMPI_MCA_oob_tcp_if_include":                  "lo",
	"OMPI_MCA_mca_base_component_show_load_errors": "0",
	// Open MPI 5
	"PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
	"PRTE_MCA_hwloc_default_binding_policy": "none",
	"PRTE_MCA_plm":                          "^slurm,lsf,pals,rsh,ssh",
	"OMPI_MCA_smsc":                         "^cma,xpmem,knem",
	// MPICH and Intel MPI
	"HYDRA_LAUNCHER": "fork", "I_MPI_HYDRA_BOOTSTRAP": "fork", "I_MPI_FABRICS": "shm", "FI_PROVIDER": "shm",
}

// Arguments is the command line that runs s: that of the image's mpirun, where
// it has ranks. All MPIs know -n.
func (s Step) Arguments() []string {
	if s.Ranks == 0 {
		return slices.Clone(s.Command)
	}
	return slices.Concat([]string{"mpirun", "-n", strconv.Itoa(s.Ranks)}, s.Command)
}
