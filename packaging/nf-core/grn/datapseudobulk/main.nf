process GRN_DATAPSEUDOBULK {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    // The image of packaging/docker. In nf-core/modules the addresses of the published containers stand here.
    container "${ workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container ?
        'docker-daemon://grn:0.1.0' :
        'grn:0.1.0' }"

    input:
    tuple val(meta), path(screens)

    output:
    tuple val(meta), path("${prefix}.h5ad"), emit: pseudobulk
    tuple val("${task.process}"), val('grn'), eval("grn --version | sed 's/grn //'"), topic: versions, emit: versions_grn

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def memory = task.memory ? "--memory ${task.memory.toMega()}M" : ''
    prefix = task.ext.prefix ?: "${meta.id}_pseudobulk"
    if ([screens].flatten().any { screen -> screen.name == "${prefix}.h5ad" }) {
        error("Input and output names are the same, use \"task.ext.prefix\" to disambiguate!")
    }
    """
    grn data pseudobulk \\
        ${screens} \\
        --threads ${task.cpus} \\
        ${memory} \\
        --no-config \\
        ${args} \\
        -o ${prefix}.h5ad
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_pseudobulk"
    """
    touch ${prefix}.h5ad
    """
}
