process GRN_PREDICT {
    tag "$meta.id"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    // The image of packaging/docker. In nf-core/modules the addresses of the published containers stand here.
    container "${ workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container ?
        'docker-daemon://grn:0.1.0' :
        'grn:0.1.0' }"

    input:
    tuple val(meta), path(run)
    tuple val(meta2), path(perturbations)
    val format

    output:
    tuple val(meta), path("${prefix}.${format}"), emit: predictions
    tuple val("${task.process}"), val('grn'), eval("grn --version | sed 's/grn //'"), topic: versions, emit: versions_grn

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_predictions"
    """
    grn predict \\
        --run ${run} \\
        --perts ${perturbations} \\
        --threads ${task.cpus} \\
        --no-config \\
        ${args} \\
        -o ${prefix}.${format}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_predictions"
    """
    touch ${prefix}.${format}
    """
}
