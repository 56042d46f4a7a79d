// Generated from contract/openapi.json by `npm run types`. Do not edit.
export interface paths {
    "/api/filters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Filters
         * @description One's own filters of the list of studies, by name.
         */
        get: operations["list_filters"];
        /**
         * Keep Filter
         * @description Keep a filter under a name, which may be a patient's and so stands in no address.
         */
        put: operations["keep_filter"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/filters/{filter_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete Filter
         * @description Delete a filter of one's own, if there is one of this key.
         */
        delete: operations["delete_filter"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Jobs
         * @description The last jobs first.
         */
        get: operations["list_jobs"];
        put?: never;
        /**
         * Create Job
         * @description Ask for a step on a volume; everything is checked before there is a job.
         */
        post: operations["create_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create Batch
         * @description Ask for the same step on many series: one parent job, which ends with the last of its own.
         */
        post: operations["create_batch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Job
         * @description Where a job stands, its log, and what came of it.
         */
        get: operations["get_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Job
         * @description Stop a job: at once if it waits, within seconds if it runs; of a batch, all that is not over.
         */
        post: operations["cancel_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow Job
         * @description Server-sent events: `job` with what `GET /api/jobs/{job_id}` gives, whenever it changes; ends with the job.
         */
        get: operations["follow_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/files/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get File
         * @description A file that a step made; a part of it with Range. 409 if it was damaged at rest.
         */
        get: operations["get_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry Job
         * @description Queue a failed or cancelled job again, with the same input; of a batch, those that failed or were cancelled.
         */
        post: operations["retry_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/rows.csv": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Rows Csv
         * @description The same as a table.
         */
        get: operations["get_rows_csv"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/rows.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Rows Json
         * @description The measurements of a step: a list of objects with the same keys.
         */
        get: operations["get_rows_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Me
         * @description Who is asking, what is open to them, and what answers.
         */
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/measure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Measure File
         * @description Measure a file or archive without storing it; ``view`` adds what a page needs to show it.
         *
         *     ``suv`` measures PET in standardized uptake values; PET whose headers do not say enough is skipped with the reason.
         */
        post: operations["measure_file"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Nodes
         * @description The nodes of the projects to which one may upload.
         */
        get: operations["list_nodes"];
        put?: never;
        /**
         * Create Node
         * @description Add a node to a project; for administrators.
         */
        post: operations["create_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Node
         * @description A node of a project to which one may upload.
         */
        get: operations["get_node"];
        put?: never;
        post?: never;
        /**
         * Delete Node
         * @description Remove a node with its rules and all that waits to be sent to it; for administrators. What it brought stays.
         */
        delete: operations["delete_node"];
        options?: never;
        head?: never;
        /**
         * Update Node
         * @description Change a node; for administrators.
         */
        patch: operations["update_node"];
        trace?: never;
    };
    "/api/nodes/{node_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Deliveries
         * @description What is sent to a node, the last first; what was sent is told for 30 days.
         */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}/deliveries/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Deliveries
         * @description Forget what waits and what failed: it is not sent.
         */
        post: operations["cancel_deliveries"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}/deliveries/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry Deliveries
         * @description Let what failed wait again, and try what waits at once.
         */
        post: operations["retry_deliveries"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}/echo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Echo Node
         * @description Call a node (C-ECHO) and ask which services it offers; for administrators. The answer says why it fails.
         */
        post: operations["echo_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}/fetch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fetch From Node
         * @description Fetch studies, or series of one study, from a node into its project: a job.
         */
        post: operations["fetch_from_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Query Node
         * @description Ask a node what it has (C-FIND). 502 with what it said if it fails, 504 if it does not answer in time.
         */
        post: operations["query_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Rules
         * @description The forwarding rules of a node, the oldest first.
         */
        get: operations["list_rules"];
        put?: never;
        /**
         * Create Rule
         * @description Add a forwarding rule; for administrators. It is for what arrives from now on.
         */
        post: operations["create_rule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/nodes/{node_id}/rules/{rule_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete Rule
         * @description Remove a forwarding rule; for administrators. What waits by it already is sent nevertheless.
         */
        delete: operations["delete_rule"];
        options?: never;
        head?: never;
        /**
         * Update Rule
         * @description Change a forwarding rule; for administrators.
         */
        patch: operations["update_rule"];
        trace?: never;
    };
    "/api/nodes/{node_id}/send": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send To Node
         * @description Send studies and series of a node's project to it. Each instance is tried until the node has it or refuses it.
         */
        post: operations["send_to_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/patients/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Search Patients
         * @description A page of the patients with a study in which each word is found; those with the latest studies first.
         */
        post: operations["search_patients"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/patients/{patient_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Patient
         * @description A patient with a page of the studies, the latest first.
         */
        get: operations["get_patient"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Projects
         * @description The projects that are open to one.
         */
        get: operations["list_projects"];
        put?: never;
        /**
         * Create Project
         * @description Make a project without members; for administrators.
         */
        post: operations["create_project"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Project
         * @description A project that is open to one.
         */
        get: operations["get_project"];
        put?: never;
        post?: never;
        /**
         * Delete Project
         * @description Remove a project that holds nothing; for administrators. 409 if studies, uploads or jobs belong to it.
         */
        delete: operations["delete_project"];
        options?: never;
        head?: never;
        /**
         * Update Project
         * @description Change the name or the description; for owners.
         */
        patch: operations["update_project"];
        trace?: never;
    };
    "/api/projects/{project_id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Members
         * @description The members of a project by name.
         */
        get: operations["list_members"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/members/{username}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Put Member
         * @description Add a user to a project, or change the role there; for owners. 409 if it would lower the last owner.
         */
        put: operations["put_member"];
        post?: never;
        /**
         * Delete Member
         * @description Remove a member from a project; for owners. 409 if it would remove the last owner.
         */
        delete: operations["delete_member"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentation-terms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Terms
         * @description What segments are, in the codes of DICOM's context groups; without a text common structures.
         */
        get: operations["list_terms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Segmentations
         * @description The segmentations and structure sets of a study, or of the study of an image that is laid under.
         *
         *     Over an image also those of the patient's other studies in this project that lie in its frame of reference.
         */
        get: operations["list_segmentations"];
        put?: never;
        /**
         * Create Segmentation
         * @description Ask for a segmentation of a volume by its values: a job of the step `threshold`, which keeps the recipe.
         */
        post: operations["create_segmentation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read Mask File
         * @description Store the mask that another program made of an image: a job writes it as a DICOM segmentation of the study.
         *
         *     NIfTI (``.nii``, ``.nii.gz``), NRRD (``.nrrd``, ``.seg.nrrd``), MetaImage (``.mha``) or a DICOM segmentation
         *     (``.dcm``). It lies where its own header says in the patient; the job fails in words if that is nowhere near the
         *     image, or not said. Of a fractional segmentation the voxels above ``threshold`` of Maximum Fractional Value are
         *     stored, and the job's warnings say so. ``same_frame_of_reference`` confirms that it lies there, where two headers
         *     do not say so.
         */
        post: operations["read_mask_file"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations/voxels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Save Segmentation
         * @description Store a segmentation that was drawn over an image: a job writes it as a new DICOM segmentation of the study.
         *
         *     ``layers`` are its label maps in order, each packed with gzip. What came is on disk when this answers 202; no stored
         *     instance is changed. If ``base`` names the segmentation that it was edited from, If-Match holds the ETag that
         *     `GET /api/segmentations/{segmentation_id}` gave for it: 412 if another one was saved from it since, with the number
         *     of that one in ``newer``, and the new ETag, with which this can be saved beside it.
         */
        post: operations["save_segmentation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations/{segmentation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Segmentation
         * @description A segmentation or structure set with its segments; over an image too, if ``series`` names one.
         *
         *     The header ``ETag`` is what If-Match names when what was edited from it is saved.
         */
        get: operations["get_segmentation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations/{segmentation_id}/cut.raw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Labels Cut
         * @description The labels at a rectangle of points, each of the nearest voxel; NaN outside of the grid.
         */
        get: operations["get_labels_cut"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations/{segmentation_id}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Segmentation File
         * @description A segmentation for another program, as `voxelry.save` writes it, or (``dcm``) as it came.
         *
         *     ``rtstruct`` needs ``series``: contours lie in the slices of an image. Of fractions, what lies above a half.
         */
        get: operations["get_segmentation_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations/{segmentation_id}/labels.raw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Labels Raw
         * @description Slices of a label map, in C order and little endian; headers tell dtype and shape. 0 is no segment.
         */
        get: operations["get_labels_raw"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segmentations/{segmentation_id}/statistics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Segment Statistics
         * @description The size of each segment, and the values of an image in it, as `voxelry.statistics` gives them.
         */
        get: operations["get_segment_statistics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Series
         * @description The last series first; those of one study, by its key or its UID, or those with a UID, one in each project.
         */
        get: operations["list_series"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Series
         * @description A series with its volumes.
         */
        get: operations["get_series"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/cut.raw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Cut Raw
         * @description Values at any rectangle of points, or of a slab, in C order and little endian; headers tell dtype and shape.
         *
         *     NaN outside of the volume. At most 4 Mi pixels, 512 planes, and 256 Mi samples in all.
         */
        get: operations["get_cut_raw"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/histogram": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Histogram
         * @description How often each value occurs, padding left out; in the whole volume, or in a region of the patient.
         */
        get: operations["get_histogram"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/measure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Measurement
         * @description The voxels that count and their volume in mm3; the server's figure.
         *
         *     Above `threshold` on [0, 1], from `lower` to `upper` in the volume's unit, or as `method` finds from all values of
         *     the volume; in a region, and of these only those connected through faces to the voxel at a point.
         */
        get: operations["get_measurement"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/objects/{instance}/document": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Document
         * @description The document that an object encapsulates. Browsers save it and run nothing; only what is a PDF is called one.
         */
        get: operations["get_document"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/objects/{instance}/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Report Content
         * @description The content of a structured report, as text from top to bottom.
         */
        get: operations["get_report_content"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/point": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Point
         * @description The voxel nearest to a point in each volume of a series: its value through time, echoes or b-values.
         */
        get: operations["get_point"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/slices/{n}.jpg": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Slice Jpg
         * @description A slice as JPEG.
         */
        get: operations["get_slice_jpg"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/slices/{n}.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Slice Png
         * @description A slice as PNG; ``n`` from 0, ascending along the normal, or to superior, posterior or left.
         */
        get: operations["get_slice_png"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/slices/{n}.raw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Slice Raw
         * @description A slice's modality values, in C order and little endian; headers tell dtype and shape.
         *
         *     Of large slices a quick look is to be had: ``every=4`` sends each fourth row and column, whose indices are
         *     ``(min(4, n) - 1) // 2 + k * 4`` of ``n``.
         */
        get: operations["get_slice_raw"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/slices/{n}/overlays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Overlays
         * @description The overlays of an acquired slice, as `overlay_slices` of its volume tells which have some.
         */
        get: operations["get_overlays"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/thumbnail.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Thumbnail
         * @description A small picture that stands for the series.
         */
        get: operations["get_thumbnail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series/{series_id}/volume.raw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Volume Raw
         * @description All modality values of a volume, in C order and little endian; headers tell dtype and shape.
         *
         *     Compressed for clients that accept gzip, unless they ask for a Range.
         */
        get: operations["get_volume_raw"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/steps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Steps
         * @description What can be done with volumes: every installed step, with the JSON schema of its parameters.
         */
        get: operations["list_steps"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/studies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Studies
         * @description The last studies first, with their series. `POST /api/studies/search` searches, sorts and filters by patient.
         */
        get: operations["list_studies"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/studies/delete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete Studies
         * @description Move studies to the trash, all of them or none.
         */
        post: operations["delete_studies"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/studies/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Search Studies
         * @description A page of the studies that meet conditions. Counting ends at 10,000: then `more_than` is true.
         */
        post: operations["search_studies"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/studies/{study_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Study
         * @description A study with its series.
         */
        get: operations["get_study"];
        put?: never;
        post?: never;
        /**
         * Delete Study
         * @description Move a study to the trash, from which it can be restored for some days.
         */
        delete: operations["delete_study"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/studies/{study_id}/archive.zip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Originals
         * @description The originals, byte for byte, as a zip; a part of it with Range. 409 if one of them was damaged at rest.
         */
        get: operations["get_originals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/studies/{study_id}/copy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Copy Study
         * @description Copy a study to another project that you own; 200 if it had the study already and was sent what it lacked.
         *
         *     What the project has already stays as it is. Files with the UID of another file there are left out, and counted as
         *     conflicts. Later changes of one copy do not touch the other.
         */
        post: operations["copy_study"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/studies/{study_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Study Deliveries
         * @description What of a study is sent to which node.
         */
        get: operations["list_study_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trash": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Trash
         * @description What was deleted in the projects that you own, the last first.
         */
        get: operations["list_trash"];
        put?: never;
        post?: never;
        /**
         * Empty Trash
         * @description Delete for good all that is in the trash of a project, originals included.
         */
        delete: operations["empty_trash"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trash/{study_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete For Good
         * @description Delete a study in the trash for good, originals included.
         */
        delete: operations["delete_for_good"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trash/{study_id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore Study
         * @description Bring a study back, with everything. 409 if the project has a part of it again; nothing is changed then.
         *
         *     If the project has a study of the same UID with other series, the answer is that study.
         */
        post: operations["restore_study"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Uploads
         * @description The last uploads first.
         */
        get: operations["list_uploads"];
        put?: never;
        /**
         * Create Upload
         * @description Bring files and archives to a project; a job takes them in and reports on each.
         *
         *     Without `project` they go to the only one in which you may add, or to the one called `default`.
         */
        post: operations["create_upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/uploads/{upload_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Upload
         * @description How an upload goes, with a part of its report.
         */
        get: operations["get_upload"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/uploads/{upload_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Upload
         * @description Stop taking in; what is stored stays.
         */
        post: operations["cancel_upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/uploads/{upload_id}/kept-aside.zip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Kept Aside
         * @description What a node brought whose UIDs were here with other content, byte for byte, as a zip; empty if there is none.
         */
        get: operations["get_kept_aside"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Accepted
         * @description An accepted request; ``address`` gives its state.
         */
        Accepted: {
            /** Address */
            address: string;
            /** Id */
            id: number;
        };
        /**
         * BatchRequest
         * @description A request to run a step on each of several series.
         */
        BatchRequest: {
            /** Job Name */
            job_name: string;
            /**
             * Memory Limit Bytes
             * @description 64 MiB or more, and at most the configuration's limit, which is the default.
             */
            memory_limit_bytes?: number | null;
            /**
             * Params
             * @description As the step's JSON schema says (`GET /api/steps`).
             */
            params?: {
                [key: string]: unknown;
            };
            /**
             * Priority
             * @description Higher goes first.
             */
            priority?: number | null;
            /**
             * Same Frame Of Reference
             * @description Confirms that the images lie in one place of the patient, though their frames of reference are unknown or differ.
             * @default false
             */
            same_frame_of_reference?: boolean;
            /** Series */
            series: number[];
            /**
             * Stack
             * @description The index of the volume in its series.
             * @default 0
             */
            stack?: number;
            /**
             * Time Limit Seconds
             * @description At most the configuration's limit, which is the default.
             */
            time_limit_seconds?: number | null;
        };
        /**
         * ClassCount
         * @description The objects without Pixel Data of one SOP Class: how many, and the first of them.
         */
        ClassCount: {
            /** Count */
            count: number;
            /** Objects */
            objects: components["schemas"]["PixellessObject"][];
            /** Sop Class */
            sop_class: string;
        };
        /**
         * CodeOut
         * @description A coded concept (PS3.3 8.8).
         */
        CodeOut: {
            /** Meaning */
            meaning: string;
            /** Scheme */
            scheme: string;
            /** Value */
            value: string;
        };
        /**
         * CodesIn
         * @description What a segment is, in the codes of a terminology.
         */
        CodesIn: {
            anatomic_region?: components["schemas"]["CodeOut"] | null;
            category: components["schemas"]["CodeOut"];
            type: components["schemas"]["CodeOut"];
            type_modifier?: components["schemas"]["CodeOut"] | null;
        };
        /**
         * CopyCounts
         * @description The numbers of instances that are new in the project, that it had, and that it has with other content.
         */
        CopyCounts: {
            /** Conflicts */
            conflicts: number;
            /** Copied */
            copied: number;
            /** Present */
            present: number;
        };
        /**
         * CopyOut
         * @description The study in the other project; ``conflicting`` are the SOP Instance UIDs of the first 100 conflicts.
         */
        CopyOut: {
            /** Conflicting */
            conflicting: string[];
            counts: components["schemas"]["CopyCounts"];
            study: components["schemas"]["StudyOut"];
        };
        /**
         * CopyRequest
         * @description Where to copy a study.
         */
        CopyRequest: {
            /** Project */
            project: number;
        };
        /**
         * CountedOut
         * @description What was counted as somebody asked: ``within`` a region, connected to a point ``component`` (LPS, mm).
         */
        CountedOut: {
            /** Component */
            component?: [
                number,
                number,
                number
            ] | null;
            /** Label */
            label?: string | null;
            limits?: components["schemas"]["LimitsOut"] | null;
            /** Method */
            method: string;
            /** Pixels Above Threshold */
            pixels_above_threshold: number;
            /** Pixels Total */
            pixels_total: number;
            /** Series Instance Uid */
            series_instance_uid: string;
            /** Spacing Mm */
            spacing_mm: [
                number | null,
                number | null,
                number | null
            ];
            /** Threshold */
            threshold: number | null;
            /** Volume Mm3 */
            volume_mm3: number | null;
            /** Warnings */
            warnings: string[];
            /** Within */
            within?: {
                [key: string]: unknown;
            } | null;
        };
        /**
         * Counts
         * @description How many files of an upload were new, already stored, or could not be used.
         */
        Counts: {
            /** Present */
            present: number;
            /** Skipped */
            skipped: number;
            /** Stored */
            stored: number;
        };
        /**
         * DeliveryChoice
         * @description Which deliveries of a node: those of a study, or all.
         */
        DeliveryChoice: {
            /** Study */
            study?: number | null;
        };
        /**
         * DeliveryCounts
         * @description How many instances wait to be sent, were sent in the last 30 days, and could not be sent.
         *
         *     Each is counted up to 10,000; ``more_than`` says that one of them is larger.
         */
        DeliveryCounts: {
            /** Failed */
            failed: number;
            /** More Than */
            more_than: boolean;
            /** Sent */
            sent: number;
            /** Waiting */
            waiting: number;
        };
        /**
         * DeliveryList
         * @description A part of what is sent to a node, the last first; ``next`` is the ``after`` of the page behind it.
         */
        DeliveryList: {
            counts: components["schemas"]["DeliveryCounts"];
            /** Items */
            items: components["schemas"]["DeliveryOut"][];
            /** Next */
            next: number | null;
            /** Reasons */
            reasons: components["schemas"]["DeliveryReason"][];
        };
        /**
         * DeliveryOut
         * @description An instance that is sent to a node; ``rule`` is the name of the rule by which it is, empty if none is.
         */
        DeliveryOut: {
            /** Attempts */
            attempts: number;
            /**
             * Created
             * Format: date-time
             */
            created: string;
            /** Finished */
            finished: string | null;
            /** Id */
            id: number;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Rule */
            rule: string;
            /** Series */
            series: number;
            /** Sop Instance Uid */
            sop_instance_uid: string;
            /**
             * State
             * @enum {string}
             */
            state: "waiting" | "sent" | "failed";
            /** Study */
            study: number;
        };
        /**
         * DeliveryReason
         * @description Why instances wait or could not be sent: the words, and how many of the latest 10,000.
         */
        DeliveryReason: {
            /** Code */
            code: string;
            /** Count */
            count: number;
            /** Message */
            message: string;
            /**
             * State
             * @enum {string}
             */
            state: "waiting" | "sent" | "failed";
        };
        /**
         * Draft
         * @description A segmentation that was drawn over an image: volume ``volume`` of series ``series``.
         *
         *     Its label maps lie on the image's grid, or on that of ``base``, the segmentation it began as: ``grid``. They hold
         *     ``dtype``, little endian, slice after slice; 0 is no segment. The new segmentation gets a series of its own, or
         *     becomes the next instance of that of ``base``. ``same_frame_of_reference`` confirms that image and base lie in one
         *     place of the patient where nothing says so.
         */
        Draft: {
            /** Base */
            base?: number | null;
            /**
             * Dtype
             * @default uint8
             * @enum {string}
             */
            dtype?: "uint8" | "uint16";
            /**
             * Grid
             * @default image
             * @enum {string}
             */
            grid?: "image" | "base";
            /** Label */
            label: string;
            /**
             * Same Frame Of Reference
             * @default false
             */
            same_frame_of_reference?: boolean;
            /** Segments */
            segments: components["schemas"]["DraftSegment"][];
            /** Series */
            series: number;
            /**
             * Series Choice
             * @default new
             * @enum {string}
             */
            series_choice?: "new" | "base";
            /**
             * Volume
             * @default 0
             */
            volume?: number;
        };
        /**
         * DraftCode
         * @description A coded concept (PS3.3 8.8).
         */
        DraftCode: {
            /** Meaning */
            meaning: string;
            /** Scheme */
            scheme: string;
            /** Value */
            value: string;
        };
        /**
         * DraftSegment
         * @description A segment: what it is, and which voxels of which label map are its own.
         *
         *     ``algorithm`` is the name of what made it; of a segment that was drawn by hand it is left out.
         */
        DraftSegment: {
            /**
             * Algorithm
             * @default
             */
            algorithm?: string;
            /**
             * Algorithm Type
             * @default MANUAL
             * @enum {string}
             */
            algorithm_type?: "AUTOMATIC" | "SEMIAUTOMATIC" | "MANUAL";
            anatomic_region?: components["schemas"]["DraftCode"] | null;
            category?: components["schemas"]["DraftCode"] | null;
            /** Colour */
            colour?: string | null;
            /** Label */
            label: string;
            /** Layer */
            layer: number;
            /** Number */
            number: number;
            region_modifier?: components["schemas"]["DraftCode"] | null;
            type?: components["schemas"]["DraftCode"] | null;
            type_modifier?: components["schemas"]["DraftCode"] | null;
            /** Value */
            value: number;
        };
        /**
         * EchoOut
         * @description Whether a node answers, and how fast; ``services`` are what it offers; ``problem`` says why it does not.
         */
        EchoOut: {
            /** Is Answering */
            is_answering: boolean;
            /** Milliseconds */
            milliseconds: number | null;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Services */
            services: string[];
        };
        /**
         * Emptied
         * @description The number of studies that were deleted for good.
         */
        Emptied: {
            /** Studies */
            studies: number;
        };
        /**
         * EntryOut
         * @description The result of one file of an upload.
         */
        EntryOut: {
            /** Code */
            code: string;
            /** Message */
            message: string;
            /** Name */
            name: string;
            /** Series */
            series: number | null;
            /**
             * Status
             * @enum {string}
             */
            status: "stored" | "present" | "skipped";
        };
        /**
         * FetchRequest
         * @description Studies to fetch from a node into its project, or series of one study.
         */
        FetchRequest: {
            /**
             * Series Instance Uids
             * @default []
             */
            series_instance_uids?: string[];
            /** Study Instance Uids */
            study_instance_uids: string[];
        };
        /**
         * FieldErrorOut
         * @description What is wrong with one part of a request; ``loc`` is the path to it, ``type`` a stable code.
         */
        FieldErrorOut: {
            /** Loc */
            loc: string[];
            /** Msg */
            msg: string;
            /** Type */
            type: string;
        };
        /**
         * FilterIn
         * @description A filter to keep under a name; one that has the name is replaced.
         */
        FilterIn: {
            filter: components["schemas"]["StudyConditions"];
            /** Name */
            name: string;
        };
        /**
         * FilterList
         * @description One's own filters, by name.
         */
        FilterList: {
            /** Items */
            items: components["schemas"]["FilterOut"][];
        };
        /**
         * FilterOut
         * @description A filter of one's own.
         */
        FilterOut: {
            /** Filter */
            filter: {
                [key: string]: unknown;
            };
            /** Id */
            id: number;
            /** Name */
            name: string;
        };
        /**
         * FindingOut
         * @description A finding on a series' geometry; further fields differ from code to code, those in millimetres end in ``_mm``.
         */
        FindingOut: {
            /** Code */
            code: string;
            /** Message */
            message: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "error" | "warning" | "note";
            /** Stack */
            stack: number | null;
            /** Stacks */
            stacks: number[];
        } & {
            [key: string]: unknown;
        };
        /**
         * HistogramOut
         * @description How often each value occurs, without padding, NaN and infinities.
         *
         *     ``exact`` is true if there is an entry for each distinct value, so that counts above a threshold follow from them.
         *     It is false for segmentations. ``total`` is the number of voxels of the region, padding included; null without one.
         */
        HistogramOut: {
            /** Counts */
            counts: number[];
            /** Exact */
            exact: boolean;
            /** Max */
            max: number | null;
            /** Min */
            min: number | null;
            /** Total */
            total?: number | null;
            /** Values */
            values: number[];
        };
        /**
         * InputOut
         * @description A volume that a step takes; ``volume`` is its label in its series.
         */
        InputOut: {
            /** Description */
            description: string;
            /** Modality */
            modality: string;
            /** Series */
            series: number;
            /** Stack */
            stack: number;
            /** Volume */
            volume: string;
        };
        /**
         * JobDetail
         * @description A job with its log and its results. ``trace``, the traceback of a failure, is given to staff only.
         */
        JobDetail: {
            about: components["schemas"]["SeriesName"] | null;
            /** Attempts */
            attempts: number;
            /**
             * Created
             * Format: date-time
             */
            created: string;
            /** Finished */
            finished: string | null;
            /** Id */
            id: number;
            /** In Dir */
            in_dir: string;
            /** Inputs */
            inputs: components["schemas"]["InputOut"][];
            /** Job Name */
            job_name: string;
            /** Kind */
            kind: string;
            /** Log */
            log: components["schemas"]["LogLine"][];
            /** Memory Limit Bytes */
            memory_limit_bytes: number | null;
            /** Message */
            message: string;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** Parent */
            parent: number | null;
            /** Priority */
            priority: number;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Progress */
            progress: number;
            /** Project Id */
            project_id: number | null;
            /** Queue */
            queue: string;
            /** Requested By */
            requested_by: string;
            result: components["schemas"]["ResultOut"] | null;
            /** Series */
            series: number | null;
            /** Started */
            started: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            /** Time Limit Seconds */
            time_limit_seconds: number | null;
            /** Title */
            title: string;
            totals: components["schemas"]["TotalsOut"] | null;
            /** Trace */
            trace: string | null;
            /** Upload */
            upload: number | null;
        };
        /**
         * JobOut
         * @description A job; ``upload`` or ``series`` is the record that it works on.
         */
        JobOut: {
            /** Attempts */
            attempts: number;
            /**
             * Created
             * Format: date-time
             */
            created: string;
            /** Finished */
            finished: string | null;
            /** Id */
            id: number;
            /** Kind */
            kind: string;
            /** Message */
            message: string;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Progress */
            progress: number;
            /** Series */
            series: number | null;
            /** Started */
            started: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            /** Upload */
            upload: number | null;
        };
        /**
         * JobRequest
         * @description A request to run a step on a volume of a series, or on all volumes of a folder on the server.
         */
        JobRequest: {
            /**
             * In Dir
             * @description A path below one of `processing.roots`; for administrators.
             * @default
             */
            in_dir?: string;
            /**
             * Job Name
             * @description A step, or `3dblur`.
             */
            job_name: string;
            /**
             * Memory Limit Bytes
             * @description 64 MiB or more, and at most the configuration's limit, which is the default.
             */
            memory_limit_bytes?: number | null;
            /**
             * Params
             * @description As the step's JSON schema says (`GET /api/steps`).
             */
            params?: {
                [key: string]: unknown;
            };
            /**
             * Priority
             * @description Higher goes first.
             */
            priority?: number | null;
            /**
             * Project
             * @description Where the results of a folder's volumes go.
             */
            project?: number | null;
            /**
             * Same Frame Of Reference
             * @description Confirms that the images lie in one place of the patient, though their frames of reference are unknown or differ.
             * @default false
             */
            same_frame_of_reference?: boolean;
            /**
             * Second
             * @description The series of the second volume, for steps that take two.
             */
            second?: number | null;
            /**
             * Second Stack
             * @description The index of the volume in its series.
             * @default 0
             */
            second_stack?: number;
            /** Series */
            series?: number | null;
            /**
             * Stack
             * @description The index of the volume in its series.
             * @default 0
             */
            stack?: number;
            /**
             * Time Limit Seconds
             * @description At most the configuration's limit, which is the default.
             */
            time_limit_seconds?: number | null;
        };
        /**
         * JobRow
         * @description A job in a list. Steps have ``job_name``, ``params`` and ``inputs``; batches have ``totals``.
         *
         *     ``about`` is the series whose volumes it builds. A limit is null if it is the configuration's.
         */
        JobRow: {
            about: components["schemas"]["SeriesName"] | null;
            /** Attempts */
            attempts: number;
            /**
             * Created
             * Format: date-time
             */
            created: string;
            /** Finished */
            finished: string | null;
            /** Id */
            id: number;
            /** In Dir */
            in_dir: string;
            /** Inputs */
            inputs: components["schemas"]["InputOut"][];
            /** Job Name */
            job_name: string;
            /** Kind */
            kind: string;
            /** Memory Limit Bytes */
            memory_limit_bytes: number | null;
            /** Message */
            message: string;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** Parent */
            parent: number | null;
            /** Priority */
            priority: number;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Progress */
            progress: number;
            /** Project Id */
            project_id: number | null;
            /** Queue */
            queue: string;
            /** Requested By */
            requested_by: string;
            /** Series */
            series: number | null;
            /** Started */
            started: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            /** Time Limit Seconds */
            time_limit_seconds: number | null;
            /** Title */
            title: string;
            totals: components["schemas"]["TotalsOut"] | null;
            /** Upload */
            upload: number | null;
        };
        /**
         * LimitsOut
         * @description The values that count, both ends included, in the volume's unit; null where there is no limit.
         */
        LimitsOut: {
            /** Lower */
            lower: number | null;
            /** Upper */
            upper: number | null;
        };
        /**
         * LogLine
         * @description A line of a job's log.
         */
        LogLine: {
            /**
             * Time
             * Format: date-time
             */
            time: string;
            /** Words */
            words: string;
        };
        /**
         * Me
         * @description The signed-in user with the projects that are open to it, and the server's version and settings.
         */
        Me: {
            /** Is Admin */
            is_admin: boolean;
            /** Is Staff */
            is_staff: boolean;
            /** Projects */
            projects: components["schemas"]["OwnProject"][];
            settings: components["schemas"]["ServerSettings"];
            /** Username */
            username: string;
            /** Version */
            version: string;
        };
        /**
         * MeasureOut
         * @description The measurement of each volume in a file, and the problems of files that are in no volume.
         */
        MeasureOut: {
            /** Measurements */
            measurements: components["schemas"]["ViewedMeasurement"][];
            /** Skipped */
            skipped: {
                [key: string]: components["schemas"]["ProblemOut"];
            };
        };
        /**
         * MeasureView
         * @description The middle slice of a measured volume, and the histogram for the threshold's slider.
         */
        MeasureView: {
            /** Aspect */
            aspect: number;
            /** Columns */
            columns: number;
            histogram: components["schemas"]["HistogramOut"] | null;
            /** Picture */
            picture: string;
            /** Rows */
            rows: number;
            /** Shape */
            shape: number[];
            /** Slice */
            slice: number;
            /** Spacing Mm */
            spacing_mm: [
                number | null,
                number | null
            ];
            /** Unit */
            unit: string;
        };
        /**
         * MeasurementOut
         * @description A measurement, as ``voxelry measure --json`` gives it.
         *
         *     ``threshold`` is null of other methods than ``fixed``. ``limits`` asked for as ``lower`` and ``upper`` give the same
         *     count; null of a label map, where no value can count, and of what was measured before there were limits.
         */
        MeasurementOut: {
            limits?: components["schemas"]["LimitsOut"] | null;
            /** Method */
            method: string;
            /** Pixels Above Threshold */
            pixels_above_threshold: number;
            /** Pixels Total */
            pixels_total: number;
            /** Series Instance Uid */
            series_instance_uid: string;
            /** Spacing Mm */
            spacing_mm: [
                number | null,
                number | null,
                number | null
            ];
            /** Threshold */
            threshold: number | null;
            /** Volume Mm3 */
            volume_mm3: number | null;
            /** Warnings */
            warnings: string[];
        };
        /**
         * MemberOut
         * @description A member of a project; ``is_active`` is false for an account that is closed.
         */
        MemberOut: {
            /** Is Active */
            is_active: boolean;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "analyst" | "uploader" | "owner";
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /** Username */
            username: string;
        };
        /**
         * MemberRole
         * @description The role that a member gets.
         */
        MemberRole: {
            /**
             * Role
             * @description Each may do what those before it may.
             * @enum {string}
             */
            role: "viewer" | "analyst" | "uploader" | "owner";
        };
        /**
         * NewNode
         * @description A node to add to a project. Without a right it may do nothing; without a host it only calls.
         *
         *     ``certificate`` is a SHA-256 or a certificate (PEM), of which the SHA-256 is kept.
         */
        NewNode: {
            /** Ae Title */
            ae_title: string;
            /**
             * Calls From
             * @default
             */
            calls_from?: string;
            /**
             * Certificate
             * @default
             */
            certificate?: string;
            /**
             * Host
             * @default
             */
            host?: string;
            /**
             * Is Enabled
             * @default true
             */
            is_enabled?: boolean;
            /**
             * May Find
             * @default false
             */
            may_find?: boolean;
            /**
             * May Retrieve
             * @default false
             */
            may_retrieve?: boolean;
            /**
             * May Store
             * @default false
             */
            may_store?: boolean;
            /** Name */
            name: string;
            /** Port */
            port?: number | null;
            /** Project */
            project: number;
            /**
             * Retrieves By
             * @default get
             * @enum {string}
             */
            retrieves_by?: "get" | "move";
            /**
             * Tls
             * @default false
             */
            tls?: boolean;
        };
        /**
         * NewProject
         * @description A project to make.
         */
        NewProject: {
            /**
             * Description
             * @default
             */
            description?: string;
            /** Name */
            name: string;
        };
        /**
         * NewRule
         * @description A forwarding rule to add. Empty conditions are met by all.
         *
         *     ``description`` is what the study's or the series' description is like, in capital or small letters; ``*`` and ``?``
         *     may stand in it. ``from_node`` is another node of the project.
         */
        NewRule: {
            /**
             * Description
             * @default
             */
            description?: string;
            /** From Node */
            from_node?: number | null;
            /**
             * Is Enabled
             * @default true
             */
            is_enabled?: boolean;
            /**
             * Modalities
             * @default []
             */
            modalities?: string[];
            /** Name */
            name: string;
        };
        /**
         * NewerOut
         * @description What was saved from the same segmentation meanwhile; ``segmentation`` is null while its job is not done.
         */
        NewerOut: {
            /** Job */
            job: number;
            /** Segmentation */
            segmentation: number | null;
        };
        /**
         * NodeAnswer
         * @description What a node has.
         *
         *     ``is_cut``: it has more than were asked for. ``ignores_keys``: it said that it did not match by all conditions.
         */
        NodeAnswer: {
            /** Ignores Keys */
            ignores_keys: boolean;
            /** Is Cut */
            is_cut: boolean;
            /** Series */
            series: components["schemas"]["NodeSeries"][];
            /** Studies */
            studies: components["schemas"]["NodeStudy"][];
        };
        /**
         * NodeChange
         * @description What to change of a node; what is left out stays. The project stays too: add another node for another one.
         *
         *     A ``port`` of null, with an empty ``host``, means that it only calls.
         */
        NodeChange: {
            /**
             * Ae Title
             * @default
             */
            ae_title?: string;
            /**
             * Calls From
             * @default
             */
            calls_from?: string;
            /**
             * Certificate
             * @default
             */
            certificate?: string;
            /**
             * Host
             * @default
             */
            host?: string;
            /**
             * Is Enabled
             * @default true
             */
            is_enabled?: boolean;
            /**
             * May Find
             * @default false
             */
            may_find?: boolean;
            /**
             * May Retrieve
             * @default false
             */
            may_retrieve?: boolean;
            /**
             * May Store
             * @default false
             */
            may_store?: boolean;
            /**
             * Name
             * @default
             */
            name?: string;
            /** Port */
            port?: number | null;
            /**
             * Retrieves By
             * @default get
             * @enum {string}
             */
            retrieves_by?: "get" | "move";
            /**
             * Tls
             * @default false
             */
            tls?: boolean;
        };
        /**
         * NodeConnection
         * @description Where a node listens, and how it is recognised when it calls; for administrators.
         */
        NodeConnection: {
            /** Calls From */
            calls_from: string;
            /**
             * Certificate
             * @description SHA-256 of the certificate that it shows, in hexadecimal digits.
             */
            certificate: string;
            /** Host */
            host: string;
            /** Port */
            port: number | null;
            /** Tls */
            tls: boolean;
        };
        /**
         * NodeList
         * @description The nodes of the projects to which one may upload, by name, and what they are told of this site.
         */
        NodeList: {
            /** Items */
            items: components["schemas"]["NodeOut"][];
            site: components["schemas"]["OwnAddressOut"];
        };
        /**
         * NodeOut
         * @description A node of a project: who it is, and what it may do and can do.
         *
         *     ``has_address``: it can be asked, fetched from and sent to. ``connection`` is null for who is no administrator.
         */
        NodeOut: {
            /** Ae Title */
            ae_title: string;
            connection: components["schemas"]["NodeConnection"] | null;
            deliveries: components["schemas"]["DeliveryCounts"];
            /** Has Address */
            has_address: boolean;
            /** Id */
            id: number;
            /** Is Enabled */
            is_enabled: boolean;
            /** May Find */
            may_find: boolean;
            /** May Retrieve */
            may_retrieve: boolean;
            /** May Store */
            may_store: boolean;
            /** Name */
            name: string;
            project: components["schemas"]["ProjectName"];
            /**
             * Retrieves By
             * @enum {string}
             */
            retrieves_by: "get" | "move";
        };
        /**
         * NodeQuery
         * @description What a node is asked for. Empty conditions are no conditions; all others have to be met.
         *
         *     ``*`` and ``?`` may stand in them. Without them a name is found by its beginning, and a description by any part of
         *     it. ``patient_id``, ``accession_number`` and dates are of studies; ``study_instance_uid`` is needed for series.
         */
        NodeQuery: {
            /**
             * Accession Number
             * @default
             */
            accession_number?: string;
            /**
             * Date From
             * @default
             */
            date_from?: string;
            /**
             * Date To
             * @default
             */
            date_to?: string;
            /**
             * Description
             * @default
             */
            description?: string;
            /**
             * Level
             * @default study
             * @enum {string}
             */
            level?: "study" | "series";
            /**
             * Limit
             * @default 200
             */
            limit?: number;
            /**
             * Modality
             * @default
             */
            modality?: string;
            /**
             * Patient Id
             * @default
             */
            patient_id?: string;
            /**
             * Patient Name
             * @default
             */
            patient_name?: string;
            /** Study Instance Uid */
            study_instance_uid?: string | null;
        };
        /**
         * NodeSeries
         * @description A series that a node has; empty or null is what it did not say. ``series`` and ``here`` as of `NodeStudy`.
         */
        NodeSeries: {
            /** Date */
            date: string;
            /** Description */
            description: string;
            /** Here */
            here: number;
            /** Instance Count */
            instance_count: number | null;
            /** Modality */
            modality: string;
            /** Number */
            number: number | null;
            /** Series */
            series: number | null;
            /** Series Instance Uid */
            series_instance_uid: string;
        };
        /**
         * NodeStudy
         * @description A study that a node has; empty or null is what it did not say.
         *
         *     ``study`` is the study of its UID in the node's project, which has ``here`` of its instances.
         */
        NodeStudy: {
            /** Accession Number */
            accession_number: string;
            /** Birth Date */
            birth_date: string;
            /** Date */
            date: string;
            /** Description */
            description: string;
            /** Here */
            here: number;
            /** Instance Count */
            instance_count: number | null;
            /** Modalities */
            modalities: string[];
            /** Patient Id */
            patient_id: string;
            /** Patient Name */
            patient_name: string;
            /** Series Count */
            series_count: number | null;
            /** Study */
            study: number | null;
            /** Study Instance Uid */
            study_instance_uid: string;
            /** Time */
            time: string;
        };
        /**
         * OverlayOut
         * @description An overlay plane over one slice (PS3.3 C.9.2). ``bits`` are packed row after row, the first pixel in the lowest
         *     bit of the first byte, without gaps, in base64.
         *
         *     ``origin`` is the row and column of the image, from 0, on which the plane's first pixel lies; it may be negative.
         *     ``kind`` is G (graphics) or R (region), or empty. ``label`` and ``description`` are the header's own words.
         */
        OverlayOut: {
            /** Bits */
            bits: string;
            /** Columns */
            columns: number;
            /** Description */
            description: string;
            /** Group */
            group: number;
            /**
             * Kind
             * @enum {string}
             */
            kind: "G" | "R" | "";
            /** Label */
            label: string;
            /** Origin */
            origin: [
                number,
                number
            ];
            /** Rows */
            rows: number;
        };
        /**
         * OwnAddressOut
         * @description What nodes are told of this site: its AE title, and where it listens if it does.
         */
        OwnAddressOut: {
            /** Ae Title */
            ae_title: string;
            /** Host */
            host: string;
            /** Is Listening */
            is_listening: boolean;
            /** Port */
            port: number | null;
            /** Tls */
            tls: boolean;
        };
        /**
         * OwnProject
         * @description A project that is open to the user, and the user's role there.
         */
        OwnProject: {
            /** Id */
            id: number;
            /** Name */
            name: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "analyst" | "uploader" | "owner";
        };
        /** Page[JobRow] */
        Page_JobRow_: {
            /** Count */
            count: number;
            /** Items */
            items: components["schemas"]["JobRow"][];
            /**
             * More Than
             * @default false
             */
            more_than?: boolean;
            /** Next */
            next?: number | null;
        };
        /** Page[SeriesRow] */
        Page_SeriesRow_: {
            /** Count */
            count: number;
            /** Items */
            items: components["schemas"]["SeriesRow"][];
            /**
             * More Than
             * @default false
             */
            more_than?: boolean;
            /** Next */
            next?: number | null;
        };
        /** Page[StudyOut] */
        Page_StudyOut_: {
            /** Count */
            count: number;
            /** Items */
            items: components["schemas"]["StudyOut"][];
            /**
             * More Than
             * @default false
             */
            more_than?: boolean;
            /** Next */
            next?: number | null;
        };
        /** Page[UploadRow] */
        Page_UploadRow_: {
            /** Count */
            count: number;
            /** Items */
            items: components["schemas"]["UploadRow"][];
            /**
             * More Than
             * @default false
             */
            more_than?: boolean;
            /** Next */
            next?: number | null;
        };
        /**
         * PatientList
         * @description A page of a list of patients, in the order of their latest studies. A page may be short; ``next`` goes on.
         */
        PatientList: {
            /** Items */
            items: components["schemas"]["PatientListed"][];
            /** Next */
            next: string | null;
        };
        /**
         * PatientListed
         * @description A patient in a list; ``last_study`` is the latest study that was found.
         */
        PatientListed: {
            /** Birth Date */
            birth_date: string;
            /** Id */
            id: number;
            /** Last Study */
            last_study: number;
            /** Name */
            name: string;
            /** Patient Id */
            patient_id: string;
            project: components["schemas"]["ProjectName"];
            /** Sex */
            sex: string;
        };
        /**
         * PatientOut
         * @description A patient.
         */
        PatientOut: {
            /** Birth Date */
            birth_date: string;
            /** Id */
            id: number;
            /** Name */
            name: string;
            /** Patient Id */
            patient_id: string;
            /** Sex */
            sex: string;
        };
        /**
         * PatientSearch
         * @description What a page of the list of patients is asked with: words that have to be found in one of their studies.
         */
        PatientSearch: {
            /**
             * After
             * @default
             */
            after?: string;
            /**
             * Limit
             * @default 50
             */
            limit?: number;
            /**
             * Projects
             * @default []
             */
            projects?: number[];
            /**
             * Search
             * @default
             */
            search?: string;
        };
        /**
         * PatientWithStudies
         * @description A patient with a page of the studies, the latest first.
         */
        PatientWithStudies: {
            /** Birth Date */
            birth_date: string;
            /** Id */
            id: number;
            /** Name */
            name: string;
            /** Patient Id */
            patient_id: string;
            project: components["schemas"]["ProjectName"];
            /** Sex */
            sex: string;
            studies: components["schemas"]["StudyList"];
        };
        /**
         * PixellessObject
         * @description An object without Pixel Data. ``title`` is the header's own, or empty.
         *
         *     ``report`` is the address of its content as text (`ReportContentOut`), ``document`` that of the document that it
         *     encapsulates, for saving; null if it has none.
         */
        PixellessObject: {
            /** Document */
            document: string | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "report" | "document" | "presentation" | "contours" | "plan" | "waveform" | "registration" | "surface" | "measurements" | "other";
            /** Report */
            report: string | null;
            /** Sop Instance Uid */
            sop_instance_uid: string;
            /** Title */
            title: string;
        };
        /**
         * PlaneOut
         * @description The slices along one direction; ``spacing_mm`` is that of rows and of columns.
         *
         *     ``aspect`` is the height of a pixel over its width, for display. ``lean`` is the number of columns by which each row
         *     is shifted to the right of the row above; it is not 0 if the plane crosses the slices of a tilted stack.
         */
        PlaneOut: {
            /**
             * Aspect
             * @default 1
             */
            aspect: number;
            /** Columns */
            columns: number;
            /** Count */
            count: number;
            /**
             * Lean
             * @default 0
             */
            lean: number;
            /** Rows */
            rows: number;
            /** Spacing Mm */
            spacing_mm: [
                number | null,
                number | null
            ];
        };
        /**
         * PlanesOut
         * @description The planes of a volume; only ``acquired`` if its slices have no position in the patient.
         */
        PlanesOut: {
            acquired: components["schemas"]["PlaneOut"];
            axial?: components["schemas"]["PlaneOut"];
            coronal?: components["schemas"]["PlaneOut"];
            sagittal?: components["schemas"]["PlaneOut"];
        };
        /**
         * PointValuesOut
         * @description The values at one point, one for each volume of the series, in their order.
         *
         *     Null outside of a volume, of colour, and where the places of a volume's slices are unknown or irregular. ``version``
         *     is that of the volumes which were read.
         */
        PointValuesOut: {
            /** Values */
            values: (number | null)[];
            /** Version */
            version: string;
        };
        /**
         * ProblemDocument
         * @description RFC 9457; ``code`` is stable, ``detail`` is for people.
         */
        ProblemDocument: {
            /** Code */
            code: string;
            /** Detail */
            detail: string;
            /** Errors */
            errors?: components["schemas"]["FieldErrorOut"][] | null;
            newer?: components["schemas"]["NewerOut"] | null;
            /** Skipped */
            skipped?: {
                [key: string]: components["schemas"]["ProblemOut"];
            } | null;
            /** Status */
            status: number;
            /** Title */
            title: string;
            /**
             * Type
             * @default about:blank
             */
            type?: string;
        };
        /**
         * ProblemOut
         * @description Why a file, a series or a job failed.
         */
        ProblemOut: {
            /** Code */
            code: string;
            /** Message */
            message: string;
        };
        /**
         * ProjectChange
         * @description What to change of a project; what is left out stays.
         */
        ProjectChange: {
            /** Description */
            description?: string | null;
            /** Name */
            name?: string | null;
        };
        /**
         * ProjectName
         * @description A project where it is only mentioned.
         */
        ProjectName: {
            /** Id */
            id: number;
            /** Name */
            name: string;
        };
        /**
         * ProjectOut
         * @description A project; ``study_count`` is 10,000 and ``more_studies`` true if it holds more than 10,000 studies.
         */
        ProjectOut: {
            /**
             * Created
             * Format: date-time
             */
            created: string;
            /** Description */
            description: string;
            /** Id */
            id: number;
            /** More Studies */
            more_studies: boolean;
            /** Name */
            name: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "analyst" | "uploader" | "owner";
            /**
             * Slug
             * @description Names it in addresses, as in `/dicomweb/projects/{slug}/`.
             */
            slug: string;
            /** Study Count */
            study_count: number;
        };
        /**
         * RecipeIn
         * @description Which voxels are chosen, as `GET /api/series/{series_id}/measure` takes it.
         *
         *     ``within`` is `sphere:X,Y,Z:RADIUS`, `box:X,Y,Z:X,Y,Z`, or a segment: `segmentation:ID#NUMBER`, or
         *     `segment:UID#NUMBER` with the SOP Instance UID, as recipes have it. ``component`` is a point; LPS, mm.
         */
        RecipeIn: {
            /** Class Number */
            class_number?: number | null;
            /** Classes */
            classes?: number | null;
            /** Component */
            component?: [
                number,
                number,
                number
            ] | null;
            /** Lower */
            lower?: number | null;
            /** Method */
            method?: ("fixed" | "units" | "otsu" | "multi_otsu" | "li" | "triangle" | "yen" | "percentile" | "hysteresis") | null;
            /** Percentile */
            percentile?: number | null;
            /** Threshold */
            threshold?: number | null;
            /** Upper */
            upper?: number | null;
            /** Within */
            within?: string | null;
        };
        /**
         * ReportContentOut
         * @description The content of a structured report from top to bottom; ``more`` is true if it is longer than this.
         */
        ReportContentOut: {
            /** Lines */
            lines: components["schemas"]["ReportLineOut"][];
            /** More */
            more: boolean;
            /** Title */
            title: string;
        };
        /**
         * ReportLineOut
         * @description A content item of a report: what it is about, and its value, which is empty for a heading.
         */
        ReportLineOut: {
            /** Depth */
            depth: number;
            /** Name */
            name: string;
            /** Value */
            value: string;
        };
        /**
         * ReportOut
         * @description The geometry of a series: a summary in words, and the findings.
         */
        ReportOut: {
            /** Problems */
            problems: components["schemas"]["FindingOut"][];
            /** Regular */
            regular: boolean;
            /** Summary */
            summary: string;
        };
        /**
         * ResultFileOut
         * @description A file that a step wrote.
         */
        ResultFileOut: {
            /** Address */
            address: string;
            /** Name */
            name: string;
            /** Size */
            size: number;
        };
        /**
         * ResultOut
         * @description The results of a step. ``segmentations`` are the numbers of those among them that can be laid over images.
         */
        ResultOut: {
            /** Files */
            files: components["schemas"]["ResultFileOut"][];
            rows: components["schemas"]["ResultRows"] | null;
            /** Segmentations */
            segmentations: number[];
            /** Series */
            series: components["schemas"]["ResultSeries"][];
            /** Warnings */
            warnings: string[];
        };
        /**
         * ResultRows
         * @description The measurements of a step; the addresses give all of them.
         */
        ResultRows: {
            /** Columns */
            columns: string[];
            /** Count */
            count: number;
            /** Csv Address */
            csv_address: string;
            /** Json Address */
            json_address: string;
        };
        /**
         * ResultSeries
         * @description A series that a step created.
         */
        ResultSeries: {
            /** Address */
            address: string;
            /** Description */
            description: string;
            /** Id */
            id: number;
            /** Modality */
            modality: string;
        };
        /**
         * RuleChange
         * @description What to change of a forwarding rule; what is left out stays. While it is disabled, nothing is sent by it.
         */
        RuleChange: {
            /**
             * Description
             * @default
             */
            description?: string;
            /** From Node */
            from_node?: number | null;
            /**
             * Is Enabled
             * @default true
             */
            is_enabled?: boolean;
            /**
             * Modalities
             * @default []
             */
            modalities?: string[];
            /**
             * Name
             * @default
             */
            name?: string;
        };
        /**
         * RuleOut
         * @description A forwarding rule: what arrives in a node's project and is like it is sent to the node.
         *
         *     ``from_node`` and ``from_name``: only what this node brought; null and empty: whoever brought it.
         */
        RuleOut: {
            /**
             * Created
             * Format: date-time
             */
            created: string;
            deliveries: components["schemas"]["DeliveryCounts"];
            /** Description */
            description: string;
            /** From Name */
            from_name: string;
            /** From Node */
            from_node: number | null;
            /** Id */
            id: number;
            /** Is Enabled */
            is_enabled: boolean;
            /** Modalities */
            modalities: string[];
            /** Name */
            name: string;
        };
        /**
         * SegmentFiguresOut
         * @description A segment over an image: its own size, and the image's values in it; ``missing`` voxels have none.
         */
        SegmentFiguresOut: {
            /** Count */
            count: number;
            /** Missing */
            missing: number;
            /** Mm3 */
            mm3: number | null;
            /** Number */
            number: number;
            values: components["schemas"]["ValueStatisticsOut"];
        };
        /**
         * SegmentOut
         * @description A segment: what it is, and where.
         *
         *     Its voxels are those of label map ``layer`` that have ``value``; 0 if it has no place. ``count`` and ``mm3`` are of
         *     its own grid. ``box`` holds the first index of each axis and the one after the last; null if it is empty.
         *     ``contour_mm3`` is the volume of a structure by its contours. Modifiers tell left from right.
         */
        SegmentOut: {
            /** Algorithm */
            algorithm: string;
            /** Algorithm Type */
            algorithm_type: string;
            anatomic_region: components["schemas"]["CodeOut"] | null;
            /** Box */
            box: [
                [
                    number,
                    number,
                    number
                ],
                [
                    number,
                    number,
                    number
                ]
            ] | null;
            category: components["schemas"]["CodeOut"] | null;
            /** Colour */
            colour: string;
            /** Contour Mm3 */
            contour_mm3: number | null;
            /** Count */
            count: number;
            /** Label */
            label: string;
            /** Layer */
            layer: number;
            /** Mm3 */
            mm3: number | null;
            /** Number */
            number: number;
            region_modifier: components["schemas"]["CodeOut"] | null;
            type: components["schemas"]["CodeOut"] | null;
            type_modifier: components["schemas"]["CodeOut"] | null;
            /** Value */
            value: number;
        };
        /**
         * SegmentationOut
         * @description A segmentation on its own grid. ``version`` changes when it is made again: add it to addresses as ``v``.
         *
         *     ``affine`` leads from (slice, row, column) to LPS millimetres. Segments that overlap lie in several label maps,
         *     ``layers`` of them. Of fractions (``fractional``) the voxels above 0.5 are shown, and a warning says so. Without
         *     label maps ``shape`` is empty.
         */
        SegmentationOut: {
            /** Affine */
            affine: number[][] | null;
            /** Created */
            created: string;
            /**
             * Dtype
             * @enum {string}
             */
            dtype: "uint8" | "uint16";
            /** Fractional */
            fractional: ("OCCUPANCY" | "PROBABILITY") | null;
            /** Id */
            id: number;
            /**
             * Kind
             * @enum {string}
             */
            kind: "SEG" | "RTSTRUCT";
            /** Label */
            label: string;
            /** Layers */
            layers: number;
            /** Placed */
            placed: ("frame" | "unknown" | "other") | null;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Recipe */
            recipe: string;
            /** Segment Count */
            segment_count: number;
            /** Segments */
            segments: components["schemas"]["SegmentOut"][];
            /** Series Id */
            series_id: number;
            /** Shape */
            shape: number[];
            /** Sop Instance Uid */
            sop_instance_uid: string;
            /** Space */
            space: string;
            /** Spacing Mm */
            spacing_mm: [
                number | null,
                number | null,
                number | null
            ];
            /**
             * State
             * @enum {string}
             */
            state: "ready" | "building";
            /** Study Id */
            study_id: number;
            /** Version */
            version: string;
            /** Voxel Mm3 */
            voxel_mm3: number | null;
            /** Warnings */
            warnings: string[];
        };
        /**
         * SegmentationRequest
         * @description A request to make a segmentation of a volume by its values.
         */
        SegmentationRequest: {
            /** @description What the segment is; a tissue without them. */
            codes?: components["schemas"]["CodesIn"] | null;
            /** Colour */
            colour?: string | null;
            /**
             * Label
             * @description The segment's name.
             */
            label: string;
            recipe: components["schemas"]["RecipeIn"];
            /**
             * Same Frame Of Reference
             * @description The segment lies in the image's place, though no header says so.
             * @default false
             */
            same_frame_of_reference?: boolean;
            /** Series */
            series: number;
            /**
             * Volume
             * @description Where a series has several.
             * @default 0
             */
            volume?: number;
        };
        /**
         * SegmentationStatisticsOut
         * @description The figures of all segments over an image, as `voxelry.statistics` gives them; ``unit`` is the values'.
         */
        SegmentationStatisticsOut: {
            /** Segments */
            segments: components["schemas"]["SegmentFiguresOut"][];
            /** Unit */
            unit: string;
        };
        /**
         * SegmentationSummaryOut
         * @description A stored segmentation or structure set. ``problem`` says why it can be laid over no image.
         *
         *     ``state`` is ``building`` while a job prepares it. ``created`` is ISO text, as far as the header tells it.
         *     ``space`` is its Frame of Reference UID. ``placed`` says whether the image that was asked for lies in the same frame
         *     of reference: ``frame`` if it does, ``other`` if not, ``unknown`` if one of the two is unknown; null without image.
         */
        SegmentationSummaryOut: {
            /** Created */
            created: string;
            /** Id */
            id: number;
            /**
             * Kind
             * @enum {string}
             */
            kind: "SEG" | "RTSTRUCT";
            /** Label */
            label: string;
            /** Placed */
            placed: ("frame" | "unknown" | "other") | null;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Segment Count */
            segment_count: number;
            /** Series Id */
            series_id: number;
            /** Sop Instance Uid */
            sop_instance_uid: string;
            /** Space */
            space: string;
            /**
             * State
             * @enum {string}
             */
            state: "ready" | "building";
            /** Study Id */
            study_id: number;
        };
        /**
         * SegmentationsOut
         * @description The segmentations of a study, at most 1000.
         */
        SegmentationsOut: {
            /** Segmentations */
            segmentations: components["schemas"]["SegmentationSummaryOut"][];
        };
        /**
         * SendOut
         * @description The number of instances that wait to be sent now by this request; what was sent before is sent again.
         */
        SendOut: {
            /** Waiting */
            waiting: number;
        };
        /**
         * SendRequest
         * @description Studies and series of a node's project to send to it.
         */
        SendRequest: {
            /**
             * Series
             * @default []
             */
            series?: number[];
            /**
             * Studies
             * @default []
             */
            studies?: number[];
        };
        /**
         * SeparatorOut
         * @description An attribute that tells a volume from others of its series at the same place.
         *
         *     ``value`` is its number, in ``unit``; null for one that is no number. Volumes are ordered by ``value``, or as they
         *     are listed. ``text`` is the value as the label has it. Clock times are seconds since the first volume.
         */
        SeparatorOut: {
            /** Keyword */
            keyword: string;
            /** Name */
            name: string;
            /** Text */
            text: string;
            /** Unit */
            unit: string;
            /** Value */
            value: number | null;
        };
        /**
         * SeriesName
         * @description The name of a series; ``description`` is empty if its header has none.
         */
        SeriesName: {
            /** Description */
            description: string;
            /** Id */
            id: number;
            /** Modality */
            modality: string;
            /** Number */
            number: number | null;
        };
        /**
         * SeriesOut
         * @description A series with its volumes. ``report`` is null until its volumes are built.
         */
        SeriesOut: {
            /** Body Part */
            body_part: string;
            /** Description */
            description: string;
            /** Id */
            id: number;
            /** Instance Count */
            instance_count: number;
            job: components["schemas"]["JobOut"] | null;
            /** Lossy */
            lossy: boolean;
            /** Metadata */
            metadata: {
                [key: string]: unknown;
            };
            /** Modality */
            modality: string;
            /** Number */
            number: number | null;
            patient: components["schemas"]["PatientOut"];
            /** Pixelless */
            pixelless: components["schemas"]["ClassCount"][];
            problem: components["schemas"]["ProblemOut"] | null;
            /** Progress */
            progress: number;
            /** Project Id */
            project_id: number;
            /** Regular */
            regular: boolean | null;
            report: components["schemas"]["ReportOut"] | null;
            /** Series Instance Uid */
            series_instance_uid: string;
            /** Shape */
            shape: number[] | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            study: components["schemas"]["StudyBrief"];
            /** Study Id */
            study_id: number;
            /** Thumbnail */
            thumbnail: string | null;
            /** Volume Count */
            volume_count: number;
            /** Volume Labels */
            volume_labels: string[];
            /** Volumes */
            volumes: components["schemas"]["VolumeOut"][];
        };
        /**
         * SeriesRow
         * @description A series in a list; ``state`` is the state of building its volumes, ``shape`` the shape of the first volume.
         *
         *     ``volume_labels`` are the labels of its volumes (echo, phase, time, plane), or of the first few of many. ``problem``
         *     says which of its files could not be used.
         */
        SeriesRow: {
            /** Body Part */
            body_part: string;
            /** Description */
            description: string;
            /** Id */
            id: number;
            /** Instance Count */
            instance_count: number;
            /** Lossy */
            lossy: boolean;
            /** Modality */
            modality: string;
            /** Number */
            number: number | null;
            patient: components["schemas"]["PatientOut"];
            problem: components["schemas"]["ProblemOut"] | null;
            /** Progress */
            progress: number;
            /** Project Id */
            project_id: number;
            /** Regular */
            regular: boolean | null;
            /** Series Instance Uid */
            series_instance_uid: string;
            /** Shape */
            shape: number[] | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            study: components["schemas"]["StudyBrief"];
            /** Study Id */
            study_id: number;
            /** Thumbnail */
            thumbnail: string | null;
            /** Volume Count */
            volume_count: number;
            /** Volume Labels */
            volume_labels: string[];
        };
        /**
         * ServerSettings
         * @description The part of the configuration that the page uses.
         */
        ServerSettings: {
            /** Threshold */
            threshold: number;
            /**
             * Trash Days
             * @default 7
             */
            trash_days?: number;
        };
        /**
         * SideWords
         * @description What a header says of the sides of a slice that has no orientation in millimetres, a radiograph for example.
         *
         *     ``patient_orientation`` names the directions of the rows and of the columns, as Patient Orientation (0020,0020) has
         *     them; it is empty if the header names none. ``laterality`` is L, R, B (both) or U (unpaired), or empty; ``view`` is
         *     the View Code's meaning, or the View Position.
         */
        SideWords: {
            /** Laterality */
            laterality: string;
            /** Patient Orientation */
            patient_orientation: string[];
            /** View */
            view: string;
        };
        /**
         * SliceOverlaysOut
         * @description The overlays of a slice. ``problems`` say in words why some of them cannot be shown.
         */
        SliceOverlaysOut: {
            /** Overlays */
            overlays: components["schemas"]["OverlayOut"][];
            /** Problems */
            problems: string[];
        };
        /**
         * SlicePlace
         * @description The position of a slice of an irregular volume (first pixel, LPS mm), and the cosines of its rows and columns.
         *
         *     ``gap_mm`` is the distance from the slice before it, along the normal that both have; null for the first slice, and
         *     where one of the two has no position or another orientation.
         */
        SlicePlace: {
            /** Gap Mm */
            gap_mm: number | null;
            /** Orientation */
            orientation: [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /** Pixel Spacing Mm */
            pixel_spacing_mm: [
                number | null,
                number | null
            ];
            /** Position */
            position: [
                number,
                number,
                number
            ] | null;
        };
        /**
         * SliceRegions
         * @description The ultrasound regions of slices. ``slices`` holds an index of ``regions`` for each slice.
         *
         *     Of regions that overlap the first is right. Outside of all of them nothing is calibrated.
         */
        SliceRegions: {
            /** Regions */
            regions: components["schemas"]["UltrasoundRegionOut"][][];
            /** Slices */
            slices: number[];
        };
        /**
         * SliceSides
         * @description The words about the sides of slices. ``slices`` holds an index of ``words`` for each slice.
         */
        SliceSides: {
            /** Slices */
            slices: number[];
            /** Words */
            words: components["schemas"]["SideWords"][];
        };
        /**
         * SliceViews
         * @description The window or table of each acquired slice, if its slices have different ones.
         *
         *     ``slices`` holds an index of ``views`` for each slice, or null for the volume's ``default_view``.
         */
        SliceViews: {
            /** Slices */
            slices: (number | null)[];
            /** Views */
            views: (components["schemas"]["WindowOut"] | components["schemas"]["TableOut"])[];
        };
        /**
         * StepOut
         * @description A step: a function on volumes.
         *
         *     ``params`` is the JSON schema of its parameters; a property with ``when`` applies only if other properties have
         *     one of the values named there. ``needs`` lists what the first volume must have.
         */
        StepOut: {
            /** Description */
            description: string;
            /** Group */
            group: string;
            /** Inputs */
            inputs: string[];
            /** Name */
            name: string;
            /** Needs */
            needs: ("grey" | "millimetres" | "place" | "straight")[];
            /** Optional */
            optional: string[];
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** Title */
            title: string;
        };
        /**
         * StudyBrief
         * @description The study of a series.
         */
        StudyBrief: {
            /** Date */
            date: string;
            /** Description */
            description: string;
            /** Id */
            id: number;
        };
        /**
         * StudyChoice
         * @description Which studies to list; nothing here is a patient's.
         */
        StudyChoice: {
            /**
             * After
             * @description `next` of another page.
             */
            after?: number | null;
            /**
             * Date From
             * @default
             */
            date_from?: string;
            /**
             * Date To
             * @default
             */
            date_to?: string;
            /** Has Problem */
            has_problem?: boolean | null;
            /** Has Volume */
            has_volume?: boolean | null;
            /**
             * Limit
             * @description How many items at most.
             * @default 100
             */
            limit?: number;
            /**
             * Modalities
             * @description Those with a series of one of them.
             * @default []
             */
            modalities?: string[];
            /**
             * Offset
             * @description How many items to leave out first.
             * @default 0
             */
            offset?: number;
            /**
             * Projects
             * @description Those of some projects.
             * @default []
             */
            projects?: number[];
            /**
             * Search
             * @description No longer taken: search with `POST /api/studies/search`.
             * @default
             */
            search?: string;
            /**
             * Study Instance Uid
             * @description Those with this UID.
             * @default
             */
            study_instance_uid?: string;
        };
        /**
         * StudyConditions
         * @description The conditions of a list of studies, all of which have to be met, and its order.
         *
         *     ``search`` holds words as people type them: parts of names, identifiers, accession numbers, descriptions and
         *     modalities, and dates of the study or of birth in any form of writing. Each word has to be found. Empty conditions
         *     are no conditions. A study without a date is in no range of dates.
         */
        StudyConditions: {
            /**
             * Date From
             * @default
             */
            date_from?: string;
            /**
             * Date To
             * @default
             */
            date_to?: string;
            /**
             * Descending
             * @description By default the latest first, and other values from the least.
             */
            descending?: boolean | null;
            /** Has Problem */
            has_problem?: boolean | null;
            /** Has Volume */
            has_volume?: boolean | null;
            /**
             * Modalities
             * @default []
             */
            modalities?: string[];
            /**
             * Order
             * @default arrived
             * @enum {string}
             */
            order?: "arrived" | "date" | "patient" | "patient_id" | "description" | "accession" | "series" | "instances" | "size";
            /** Patient */
            patient?: number | null;
            /**
             * Projects
             * @default []
             */
            projects?: number[];
            /**
             * Search
             * @default
             */
            search?: string;
        };
        /**
         * StudyDeliveries
         * @description What of a study is sent to a node; ``problem`` is the last one of what waits or failed.
         */
        StudyDeliveries: {
            counts: components["schemas"]["DeliveryCounts"];
            /** Name */
            name: string;
            /** Node */
            node: number;
            problem: components["schemas"]["ProblemOut"] | null;
        };
        /**
         * StudyKeys
         * @description Some studies.
         */
        StudyKeys: {
            /** Studies */
            studies: number[];
        };
        /**
         * StudyList
         * @description A page of a list of studies. ``more_than``: the list is longer than ``count``, at which counting ends.
         *
         *     ``next`` and ``previous`` give the pages behind and before this one as ``after``; they are null where the list ends.
         */
        StudyList: {
            /** Count */
            count: number;
            /** Items */
            items: components["schemas"]["StudyListed"][];
            /** More Than */
            more_than: boolean;
            /** Next */
            next: string | null;
            /** Previous */
            previous: string | null;
        };
        /**
         * StudyListed
         * @description A study in a list. ``building``: volumes of it are being built, or wait for it.
         */
        StudyListed: {
            /** Accession Number */
            accession_number: string;
            /**
             * Arrived
             * Format: date-time
             */
            arrived: string;
            /** Building */
            building: boolean;
            /** Bytes */
            bytes: number;
            /** Date */
            date: string;
            /** Description */
            description: string;
            /** Has Problem */
            has_problem: boolean;
            /** Has Volume */
            has_volume: boolean;
            /** Id */
            id: number;
            /** Instance Count */
            instance_count: number;
            /** Modalities */
            modalities: string[];
            patient: components["schemas"]["PatientOut"];
            project: components["schemas"]["ProjectName"];
            /** Series Count */
            series_count: number;
            /** Study Instance Uid */
            study_instance_uid: string;
            thumbnail: components["schemas"]["ThumbnailPlace"] | null;
            /** Time */
            time: string;
        };
        /**
         * StudyOut
         * @description A study with its series.
         */
        StudyOut: {
            /** Accession Number */
            accession_number: string;
            /** Bytes */
            bytes: number;
            /** Date */
            date: string;
            /** Description */
            description: string;
            /** Id */
            id: number;
            /** Instance Count */
            instance_count: number;
            /** Modalities */
            modalities: string[];
            patient: components["schemas"]["PatientOut"];
            /** Project Id */
            project_id: number;
            /** Series */
            series: components["schemas"]["SeriesRow"][];
            /** Series Count */
            series_count: number;
            /** Study Instance Uid */
            study_instance_uid: string;
            /** Time */
            time: string;
        };
        /**
         * StudySearch
         * @description What a page of the list of studies is asked with; ``after`` is `next` or `previous` of another page.
         */
        StudySearch: {
            /**
             * After
             * @default
             */
            after?: string;
            /**
             * Date From
             * @default
             */
            date_from?: string;
            /**
             * Date To
             * @default
             */
            date_to?: string;
            /**
             * Descending
             * @description By default the latest first, and other values from the least.
             */
            descending?: boolean | null;
            /** Has Problem */
            has_problem?: boolean | null;
            /** Has Volume */
            has_volume?: boolean | null;
            /**
             * Limit
             * @default 50
             */
            limit?: number;
            /**
             * Modalities
             * @default []
             */
            modalities?: string[];
            /**
             * Order
             * @default arrived
             * @enum {string}
             */
            order?: "arrived" | "date" | "patient" | "patient_id" | "description" | "accession" | "series" | "instances" | "size";
            /** Patient */
            patient?: number | null;
            /**
             * Projects
             * @default []
             */
            projects?: number[];
            /**
             * Search
             * @default
             */
            search?: string;
        };
        /**
         * TableOut
         * @description A table from values to grey levels (VOI LUT Sequence).
         *
         *     ``levels`` holds 8 bits for each value from ``first`` on, 0 black to 255 white, in base64. Smaller values are
         *     shown as the first, larger ones as the last, and those between two whole numbers as the nearest (half to even).
         */
        TableOut: {
            /** First */
            first: number;
            /** Levels */
            levels: string;
            /** Name */
            name: string;
        };
        /**
         * TermOut
         * @description What a segment can be. Of ``modifiers`` (right, left, both) one may be chosen; ``colour`` is usual for it.
         */
        TermOut: {
            anatomic_region: components["schemas"]["CodeOut"] | null;
            category: components["schemas"]["CodeOut"];
            /** Colour */
            colour: string | null;
            /** Modifiers */
            modifiers: components["schemas"]["CodeOut"][];
            type: components["schemas"]["CodeOut"];
        };
        /**
         * TermsOut
         * @description Terms, the best first; and anatomic regions that the text means, for findings.
         */
        TermsOut: {
            /** Regions */
            regions: components["schemas"]["CodeOut"][];
            /** Terms */
            terms: components["schemas"]["TermOut"][];
        };
        /**
         * ThumbnailPlace
         * @description The series whose thumbnail stands for a study: `/api/series/{series}/thumbnail.png?v={version}`.
         */
        ThumbnailPlace: {
            /** Series */
            series: number;
            /** Version */
            version: string;
        };
        /**
         * TotalsOut
         * @description How many jobs of a batch are in each state.
         */
        TotalsOut: {
            /** Cancelled */
            cancelled: number;
            /** Failed */
            failed: number;
            /** Queued */
            queued: number;
            /** Running */
            running: number;
            /** Succeeded */
            succeeded: number;
            /** Total */
            total: number;
        };
        /**
         * TrashList
         * @description A part of the trash.
         *
         *     ``count`` is the number of studies in it, counted up to 10,000; ``more_than`` says that there are more. ``next`` is
         *     where the list goes on; null at its end.
         */
        TrashList: {
            /** Count */
            count: number;
            /** Items */
            items: components["schemas"]["TrashRow"][];
            /** More Than */
            more_than: boolean;
            /** Next */
            next: string | null;
        };
        /**
         * TrashRow
         * @description A study in the trash: who deleted it and when, and when it is deleted for good.
         */
        TrashRow: {
            /** Bytes */
            bytes: number;
            /** Date */
            date: string;
            /** Days Left */
            days_left: number;
            /**
             * Deleted
             * Format: date-time
             */
            deleted: string;
            /** Deleted By */
            deleted_by: string;
            /** Description */
            description: string;
            /**
             * Goes
             * Format: date-time
             */
            goes: string;
            /** Id */
            id: number;
            /** Instance Count */
            instance_count: number;
            /** Modalities */
            modalities: string[];
            patient: components["schemas"]["PatientOut"];
            project: components["schemas"]["ProjectName"];
            /** Series Count */
            series_count: number;
            /** Study Instance Uid */
            study_instance_uid: string;
            /** Time */
            time: string;
        };
        /**
         * UltrasoundRegionOut
         * @description A calibrated region of an ultrasound picture (PS3.3 C.8.5.5), from its first to its last column and row.
         *
         *     ``unit_x`` and ``unit_y`` are those of ``delta_x`` and ``delta_y``, which one column and one row further are, and
         *     empty if they are unknown. ``pixel_spacing_mm`` is null unless both directions are distances: nothing in the region
         *     is measured in millimetres then. ``reference`` is the column and row, from the region's first, of which
         *     ``reference_x`` and ``reference_y`` are the values.
         */
        UltrasoundRegionOut: {
            /** Data Type */
            data_type: string;
            /** Delta X */
            delta_x: number;
            /** Delta Y */
            delta_y: number;
            /** First Column */
            first_column: number;
            /** First Row */
            first_row: number;
            /** Last Column */
            last_column: number;
            /** Last Row */
            last_row: number;
            /** Pixel Spacing Mm */
            pixel_spacing_mm: [
                number,
                number
            ] | null;
            /** Reference */
            reference: [
                number,
                number
            ] | null;
            /** Reference X */
            reference_x: number | null;
            /** Reference Y */
            reference_y: number | null;
            /** Spatial Format */
            spatial_format: string;
            /** Unit X */
            unit_x: string;
            /** Unit Y */
            unit_y: string;
        };
        /**
         * UploadOut
         * @description An upload with a part of its report.
         *
         *     ``series_names`` are those of ``series``, in the same order. ``kept_aside`` is the number of files whose UID was
         *     here with other content and whose bytes are kept aside, because a node brought them.
         */
        UploadOut: {
            counts: components["schemas"]["Counts"];
            /**
             * Created
             * Format: date-time
             */
            created: string;
            /** Entries */
            entries: components["schemas"]["EntryOut"][];
            /** Entry Count */
            entry_count: number;
            /** Finished */
            finished: string | null;
            /** Id */
            id: number;
            /** Jobs */
            jobs: components["schemas"]["JobOut"][];
            /** Kept Aside */
            kept_aside: number;
            /** Message */
            message: string;
            /** Names */
            names: string[];
            /** Node */
            node: string;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Progress */
            progress: number;
            /** Project Id */
            project_id: number;
            /** Series */
            series: number[];
            /** Series Names */
            series_names: components["schemas"]["SeriesName"][];
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
        };
        /**
         * UploadRow
         * @description An upload in a list. ``node`` is the name of the node of the DICOM network that brought it, or empty.
         */
        UploadRow: {
            counts: components["schemas"]["Counts"];
            /**
             * Created
             * Format: date-time
             */
            created: string;
            /** Finished */
            finished: string | null;
            /** Id */
            id: number;
            /** Message */
            message: string;
            /** Names */
            names: string[];
            /** Node */
            node: string;
            problem: components["schemas"]["ProblemOut"] | null;
            /** Progress */
            progress: number;
            /** Project Id */
            project_id: number;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
        };
        /**
         * ValueStatisticsOut
         * @description Figures of the values of some voxels; all but ``count`` are null of none. ``std`` is of a sample (n - 1).
         */
        ValueStatisticsOut: {
            /** Count */
            count: number;
            /** Maximum */
            maximum: number | null;
            /** Mean */
            mean: number | null;
            /** Median */
            median: number | null;
            /** Minimum */
            minimum: number | null;
            /** P25 */
            p25: number | null;
            /** P5 */
            p5: number | null;
            /** P75 */
            p75: number | null;
            /** P95 */
            p95: number | null;
            /** Std */
            std: number | null;
        };
        /**
         * ViewedMeasurement
         * @description A measurement with its view, if requested, and the volume's label, if its series has several.
         */
        ViewedMeasurement: {
            /** Component */
            component?: [
                number,
                number,
                number
            ] | null;
            /** Label */
            label?: string | null;
            limits?: components["schemas"]["LimitsOut"] | null;
            /** Method */
            method: string;
            /** Pixels Above Threshold */
            pixels_above_threshold: number;
            /** Pixels Total */
            pixels_total: number;
            /** Series Instance Uid */
            series_instance_uid: string;
            /** Spacing Mm */
            spacing_mm: [
                number | null,
                number | null,
                number | null
            ];
            /** Threshold */
            threshold: number | null;
            view?: components["schemas"]["MeasureView"] | null;
            /** Volume Mm3 */
            volume_mm3: number | null;
            /** Warnings */
            warnings: string[];
            /** Within */
            within?: {
                [key: string]: unknown;
            } | null;
        };
        /**
         * VolumeOut
         * @description One stack of a series. ``version`` changes when it is made again: add it to slice addresses as ``v``.
         *
         *     Each slice is shown with its own of ``slice_views``, else with ``default_view``; ``default_window`` is the nearest
         *     window, for clients without tables. ``padding_ranges`` holds the smallest and the largest padding value, which are
         *     shown as black: one pair for all slices, or one for each. ``frame_rate`` is the header's frames per second, their
         *     mean if ``frame_times_ms`` says how long each frame is shown; ``frame_sweep`` is true if they play back and forth.
         *
         *     Volumes of a series with the same ``grid`` have their voxels in the same places; ``separators`` tell them apart.
         *     ``acquired_s`` is when it was acquired, in seconds after the first volume of its grid, by ``acquired_by``; null
         *     where headers do not tell the volumes' times apart. ``quadruped`` is true for an animal whose axes are left, dorsal
         *     and cranial instead of left, posterior and superior. ``overlay_slices`` are the acquired slices with overlays.
         *     ``slice_sides`` is null where no header says anything of it, ``ultrasound`` where there is no calibrated region.
         */
        VolumeOut: {
            /** Acquired By */
            acquired_by: string;
            /** Acquired S */
            acquired_s: number | null;
            /** Affine */
            affine: number[][] | null;
            /**
             * Byte Order
             * @constant
             */
            byte_order: "little";
            /** Colour */
            colour: boolean;
            /** Default View */
            default_view: components["schemas"]["WindowOut"] | components["schemas"]["TableOut"];
            default_window: components["schemas"]["WindowOut"];
            /** Dtype */
            dtype: string;
            /** Frame Of Reference Uid */
            frame_of_reference_uid: string | null;
            /** Frame Rate */
            frame_rate: number | null;
            /** Frame Rate Source */
            frame_rate_source: string;
            /** Frame Sweep */
            frame_sweep: boolean;
            /** Frame Times Ms */
            frame_times_ms: number[] | null;
            /** Grid */
            grid: number | null;
            /** Index */
            index: number;
            /** Inverted */
            inverted: boolean;
            /** Label */
            label: string;
            /** Lossy */
            lossy: boolean;
            /** Max */
            max: number | null;
            measurement: components["schemas"]["MeasurementOut"] | null;
            /** Min */
            min: number | null;
            /** Overlay Slices */
            overlay_slices: number[];
            /** Padding Count */
            padding_count: number;
            /** Padding Ranges */
            padding_ranges: ([
                number,
                number
            ] | null)[] | null;
            planes: components["schemas"]["PlanesOut"];
            problem: components["schemas"]["ProblemOut"] | null;
            /** Quadruped */
            quadruped: boolean;
            /** Regular */
            regular: boolean;
            /** Separators */
            separators: components["schemas"]["SeparatorOut"][];
            /** Shape */
            shape: number[];
            /** Slice Places */
            slice_places: components["schemas"]["SlicePlace"][] | null;
            slice_sides: components["schemas"]["SliceSides"] | null;
            slice_views: components["schemas"]["SliceViews"] | null;
            /** Spacing Mm */
            spacing_mm: [
                number | null,
                number | null,
                number | null
            ];
            /** Tables */
            tables: components["schemas"]["TableOut"][];
            ultrasound: components["schemas"]["SliceRegions"] | null;
            /** Unit */
            unit: string;
            /** Version */
            version: string;
            /** Warnings */
            warnings: string[];
            /** Windows */
            windows: components["schemas"]["WindowOut"][];
        };
        /**
         * WindowOut
         * @description A range of values to show.
         */
        WindowOut: {
            /** Center */
            center: number;
            /**
             * Function
             * @enum {string}
             */
            function: "LINEAR" | "LINEAR_EXACT" | "SIGMOID";
            /** Name */
            name: string;
            /** Width */
            width: number;
        };
    };
    responses: {
        /** @description What is wrong (RFC 9457). */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDocument"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_filters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterList"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    keep_filter: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FilterIn"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_filter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                filter_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                state?: ("queued" | "running" | "succeeded" | "failed" | "cancelled") | null;
                /** @description Those of one step, `ingest` or `build`. */
                job_name?: string;
                /** @description Those about one series. */
                series?: number | null;
                /** @description Those of one batch. */
                parent?: number | null;
                /** @description Leave out the jobs of batches; the batches stay. */
                top?: boolean;
                /** @description How many items at most. */
                limit?: number;
                /** @description How many items to leave out first. */
                offset?: number;
                /** @description `next` of another page. */
                after?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_JobRow_"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    create_job: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    create_batch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetail"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetail"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    follow_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: number;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    retry_job: {
        parameters: {
            query?: {
                /** @description Confirms what a job with the problem `frame_of_reference` asks for: the images lie in one place of the patient. */
                same_frame_of_reference?: boolean;
            };
            header?: never;
            path: {
                job_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetail"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_rows_csv: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_rows_json: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown[];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    measure_file: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * File
                     * Format: binary
                     */
                    file: string;
                    /** Method */
                    method?: string | null;
                    /** Suv */
                    suv?: ("bw" | "lbm" | "lbm-james" | "bsa") | null;
                    /** Threshold */
                    threshold?: number | null;
                    /**
                     * View
                     * @default false
                     */
                    view?: boolean;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MeasureOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_nodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeList"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    create_node: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewNode"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    update_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NodeChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                state?: ("waiting" | "sent" | "failed") | null;
                /** @description `next` of another page. */
                after?: number | null;
                /** @description How many items at most. */
                limit?: number;
            };
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    cancel_deliveries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeliveryChoice"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryCounts"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    retry_deliveries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeliveryChoice"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryCounts"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            502: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    echo_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EchoOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    fetch_from_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FetchRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            502: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    query_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NodeQuery"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeAnswer"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            502: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_rules: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleOut"][];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    create_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRule"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
                rule_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    update_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
                rule_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    send_to_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SendOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            502: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    search_patients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PatientSearch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PatientList"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_patient: {
        parameters: {
            query?: {
                /** @description How many studies at most. */
                limit?: number;
                /** @description `next` or `previous` of another page. */
                after?: string;
            };
            header?: never;
            path: {
                patient_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PatientWithStudies"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_projects: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectOut"][];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    create_project: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewProject"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    update_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_members: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberOut"][];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    put_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: number;
                username: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberRole"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: number;
                username: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_terms: {
        parameters: {
            query?: {
                /** @description Words in any order, or a code. */
                text?: string;
                /** @description How many at most. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TermsOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_segmentations: {
        parameters: {
            query?: {
                /** @description The image that is laid under. */
                series?: number | null;
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description All of a study. */
                study?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SegmentationsOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    create_segmentation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SegmentationRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    read_mask_file: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * File
                     * Format: binary
                     */
                    file: string;
                    /**
                     * Label
                     * @description What it is called.
                     * @default
                     */
                    label?: string;
                    /**
                     * Same Frame Of Reference
                     * @default false
                     */
                    same_frame_of_reference?: boolean;
                    /**
                     * Series
                     * @description The image.
                     */
                    series: number;
                    /**
                     * Threshold
                     * @description Of a fractional DICOM segmentation: the voxels whose fraction lies above it.
                     * @default 0.5
                     */
                    threshold?: number;
                    /**
                     * Volume
                     * @description Where a series has several.
                     * @default 0
                     */
                    volume?: number;
                };
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    save_segmentation: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the segmentation that `base` names. */
                "If-Match"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Layers */
                    layers: string[];
                    segmentation: components["schemas"]["Draft"];
                };
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            428: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_segmentation: {
        parameters: {
            query?: {
                /** @description The image that is laid under. */
                series?: number | null;
                /** @description Which volume, where a series has several. */
                volume?: number;
            };
            header?: never;
            path: {
                segmentation_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SegmentationOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_labels_cut: {
        parameters: {
            query: {
                /** @description The centre of pixel (0, 0): `x,y,z` LPS, mm. */
                origin: string;
                /** @description To the next pixel of a row: `x,y,z` LPS, mm. */
                right: string;
                /** @description To the next row: `x,y,z` LPS, mm. */
                down: string;
                rows: number;
                columns: number;
                /** @description Which label map, where segments overlap. */
                layer?: number;
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                segmentation_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_segmentation_file: {
        parameters: {
            query: {
                /** @description The kind of file. */
                kind: "dcm" | "nii.gz" | "nrrd" | "stl" | "ply" | "rtstruct" | "csv";
                /** @description The image that is laid under. */
                series?: number | null;
            };
            header?: never;
            path: {
                segmentation_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_labels_raw: {
        parameters: {
            query?: {
                /** @description Which label map, where segments overlap. */
                layer?: number;
                /** @description The first slice. */
                first?: number;
                /** @description How many slices; all without it. */
                count?: number | null;
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                segmentation_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_segment_statistics: {
        parameters: {
            query: {
                /** @description The image whose values are counted. */
                series: number;
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description Confirms that the segmentation lies in the image's place where headers do not say so. */
                same_frame_of_reference?: boolean;
            };
            header?: never;
            path: {
                segmentation_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SegmentationStatisticsOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_series: {
        parameters: {
            query?: {
                /** @description Those of one study. */
                study?: number | null;
                study_instance_uid?: string;
                series_instance_uid?: string;
                /** @description How many items at most. */
                limit?: number;
                /** @description How many items to leave out first. */
                offset?: number;
                /** @description `next` of another page. */
                after?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_SeriesRow_"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_series: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                series_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeriesOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_cut_raw: {
        parameters: {
            query: {
                /** @description The centre of pixel (0, 0): `x,y,z` LPS, mm. */
                origin: string;
                /** @description To the next pixel of a row: `x,y,z` LPS, mm. */
                right: string;
                /** @description To the next row: `x,y,z` LPS, mm. */
                down: string;
                rows: number;
                columns: number;
                /** @description How values between voxels are found. */
                method?: "nearest" | "linear";
                /** @description How the samples of a slab become one value; needs `depth` and `step`. */
                slab?: ("max" | "min" | "mean") | null;
                /** @description How many planes a slab has, around `origin`. */
                depth?: number | null;
                /** @description To a slab's next plane: `x,y,z` LPS, mm. */
                step?: string | null;
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                series_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_histogram: {
        parameters: {
            query?: {
                /** @description Only there: `sphere:X,Y,Z:RADIUS` or `box:X,Y,Z:X,Y,Z`, LPS, mm; or `segmentation:ID#NUMBER`, all of its segments without a number. */
                within?: string | null;
                /** @description Confirms that the segmentation lies in the image's place where headers do not say so. */
                same_frame_of_reference?: boolean;
                /** @description Which volume, where a series has several. */
                volume?: number;
            };
            header?: never;
            path: {
                series_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistogramOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_measurement: {
        parameters: {
            query?: {
                /** @description On [0, 1]: a voxel counts above it; 0.5 without any limit. */
                threshold?: number | null;
                /** @description `fixed`, `units`, `otsu`, `multi_otsu`, `li`, `triangle`, `yen`, `percentile` or `hysteresis`. */
                method?: string | null;
                /** @description In the volume's unit: from this value on; of hysteresis above it. */
                lower?: number | null;
                /** @description In the volume's unit: up to this value; pieces of hysteresis reach above it. */
                upper?: number | null;
                /** @description A voxel counts above the value that so many percent do not exceed. */
                percentile?: number | null;
                /** @description Of `multi_otsu`: how many, 2 to 5; 3 if not given. */
                classes?: number | null;
                /** @description Of `multi_otsu`: the class that counts, 0 the lowest; else all but that. */
                class_number?: number | null;
                /** @description Only there: `sphere:X,Y,Z:RADIUS` or `box:X,Y,Z:X,Y,Z`, LPS, mm; or `segmentation:ID#NUMBER`, all of its segments without a number. */
                within?: string | null;
                /** @description `x,y,z` LPS, mm: only what is connected through faces to the voxel that holds this point. */
                component?: string | null;
                /** @description Confirms that the segmentation lies in the image's place where headers do not say so. */
                same_frame_of_reference?: boolean;
                /** @description Which volume, where a series has several. */
                volume?: number;
            };
            header?: never;
            path: {
                series_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CountedOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_document: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                series_id: number;
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_report_content: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                series_id: number;
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportContentOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_point: {
        parameters: {
            query: {
                /** @description `x,y,z` LPS, mm. */
                at: string;
            };
            header?: never;
            path: {
                series_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PointValuesOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_slice_jpg: {
        parameters: {
            query?: {
                /** @description A patient plane; as acquired without it. */
                axis?: ("axial" | "coronal" | "sagittal") | null;
                /** @description Window Center; needs `width`. */
                center?: number | null;
                /** @description Window Width; needs `center`. */
                width?: number | null;
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                series_id: number;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_slice_png: {
        parameters: {
            query?: {
                /** @description A patient plane; as acquired without it. */
                axis?: ("axial" | "coronal" | "sagittal") | null;
                /** @description Window Center; needs `width`. */
                center?: number | null;
                /** @description Window Width; needs `center`. */
                width?: number | null;
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                series_id: number;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_slice_raw: {
        parameters: {
            query?: {
                /** @description A patient plane; as acquired without it. */
                axis?: ("axial" | "coronal" | "sagittal") | null;
                /** @description Only each so manieth row and column. */
                every?: number;
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                series_id: number;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_overlays: {
        parameters: {
            query?: {
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                series_id: number;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SliceOverlaysOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_thumbnail: {
        parameters: {
            query?: {
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                series_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_volume_raw: {
        parameters: {
            query?: {
                /** @description Which volume, where a series has several. */
                volume?: number;
                /** @description `values`: value after value. `planes`: for each slice the first byte of all its values, then the second, and so on, which compresses better. */
                bytes?: "values" | "planes";
                /** @description The volume's `version`: lets the answer be kept for a year. */
                v?: string;
            };
            header?: never;
            path: {
                series_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_steps: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StepOut"][];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_studies: {
        parameters: {
            query?: {
                /** @description No longer taken: search with `POST /api/studies/search`. */
                search?: string;
                /** @description Those of some projects. */
                projects?: number[];
                /** @description Those with a series of one of them. */
                modalities?: string[];
                date_from?: string;
                date_to?: string;
                has_volume?: boolean | null;
                has_problem?: boolean | null;
                /** @description Those with this UID. */
                study_instance_uid?: string;
                /** @description How many items at most. */
                limit?: number;
                /** @description How many items to leave out first. */
                offset?: number;
                /** @description `next` of another page. */
                after?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_StudyOut_"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_studies: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StudyKeys"];
            };
        };
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    search_studies: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StudySearch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StudyList"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_study: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                study_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StudyOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_study: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                study_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_originals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                study_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    copy_study: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                study_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CopyRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CopyOut"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CopyOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_study_deliveries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                study_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StudyDeliveries"][];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_trash: {
        parameters: {
            query?: {
                /** @description What is of one project. */
                project?: number | null;
                /** @description The `next` of the page before. */
                after?: string;
                /** @description How many studies at most. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrashList"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    empty_trash: {
        parameters: {
            query: {
                /** @description Whose trash. */
                project: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Emptied"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    delete_for_good: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                study_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    restore_study: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                study_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StudyOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    list_uploads: {
        parameters: {
            query?: {
                /** @description How many items at most. */
                limit?: number;
                /** @description How many items to leave out first. */
                offset?: number;
                /** @description `next` of another page. */
                after?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_UploadRow_"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    create_upload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Files */
                    files: string[];
                    /** Project */
                    project?: number | null;
                };
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_upload: {
        parameters: {
            query?: {
                /** @description How many items at most. */
                limit?: number;
                /** @description How many items to leave out first. */
                offset?: number;
            };
            header?: never;
            path: {
                upload_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    cancel_upload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                upload_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobOut"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_kept_aside: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                upload_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
}
