using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>Stages made of the user's own code.</summary>
public static class CustomMappingCatalog
{
    /// <summary>Adds the columns that <paramref name="mapAction"/> fills from each row.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="mapAction">Reads its first argument and fills its second. Runs on the thread of the cursor.</param>
    /// <param name="contractName">The name under which a saved model finds the mapping again; null for a stage that is never saved.</param>
    /// <param name="inputSchemaDefinition">The types of the input; without it the members of the class say.</param>
    /// <param name="outputSchemaDefinition">The types of the output; without it the members of the class say.</param>
    public static CustomMappingEstimator<TSrc, TDst> CustomMapping<TSrc, TDst>(
        this TransformsCatalog catalog,
        Action<TSrc, TDst> mapAction,
        string contractName,
        SchemaDefinition inputSchemaDefinition = null,
        SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class, new()
        where TDst : class, new() =>
        new(catalog.GetEnvironment(), mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition);
}
