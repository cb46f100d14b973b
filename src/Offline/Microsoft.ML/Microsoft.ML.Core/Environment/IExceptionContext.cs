namespace Microsoft.ML.Runtime;

/// <summary>Marks exceptions with where they come from.</summary>
public interface IExceptionContext
{
    /// <summary>Adds what is known about the place to the exception and returns it.</summary>
    TException Process<TException>(TException ex)
        where TException : Exception;

    string ContextDescription { get; }
}
