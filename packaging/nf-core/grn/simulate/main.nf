process GRN_SIMULATE {
    tag "$meta.id"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    // The image of packaging/docker. In nf-core/modules the addresses of the published containers stand here.
    container "${ workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container ?
        'docker-daemon://grn:0.1.0' :
        'grn:0.1.0' }"

    input:
    val meta

    output:
    tuple val(meta), path("${prefix}.h5ad"), emit: screen
    tuple val(meta), path("${prefix}.truth"), emit: truth
    tuple val(meta), path("${prefix}.truth/edges.tsv"), emit: edges
    tuple val("${task.process}"), val('grn'), eval("grn --version | sed 's/grn //'"), topic: versions, emit: versions_grn

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    grn simulate \\
        --threads ${task.cpus} \\
        --no-config \\
        ${args} \\
        -o ${prefix}.h5ad
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.h5ad
    mkdir ${prefix}.truth
    touch ${prefix}.truth/edges.tsv ${prefix}.truth/deltas.h5ad ${prefix}.truth/parameters.json
    """
}
